redis_install() { have redis-server || apt_install redis-server; }

redis_start() {
  port redis 25379 >/dev/null
  spawn redis server redis-server --port "$(port_of redis)" --bind 127.0.0.1 --save '' --appendonly no --dir "$state/redis"
  await redis server 15 redis_answers
}

redis_answers() { [ "$(redis-cli -p "$(port_of redis)" ping)" = PONG ]; }

redis_env() {
  echo "export TEST_REDIS_URL='redis://127.0.0.1:$(port_of redis)/0'"
  echo "export TEST_REDIS_SERVER='$(command -v redis-server)'"
}
