# A control plane without containers: etcd, the API server, the controllers and the scheduler are real; kwok plays a node,
# on which pods become Ready and pods of Jobs succeed, but nothing runs.

kubernetes_install() {
  local name
  have openssl || apt_install openssl
  have curl || apt_install curl
  for name in etcd kube-apiserver kube-controller-manager kube-scheduler kwok; do tool "$name" >/dev/null; done
}

kubernetes_start() {
  local dir=$state/kubernetes
  kubernetes_credentials "$dir"
  kubernetes_etcd "$dir"
  kubernetes_apiserver "$dir"
  kubernetes_kubeconfig "$dir" >"$dir/kubeconfig"
  kubernetes_controllers "$dir"
  kubernetes_node
}

kubernetes_credentials() {
  openssl genrsa -out "$1/service-accounts.key" 2048 2>/dev/null
  openssl rand -hex 32 >"$1/token"
  echo "$(cat "$1/token"),admin,admin,system:masters" >"$1/tokens.csv"
}

kubernetes_etcd() {
  local client peer
  client=http://127.0.0.1:$(port etcd 22379)
  peer=http://127.0.0.1:$(port etcd-peer 22380)
  spawn kubernetes etcd "$(tool etcd)" --data-dir "$1/etcd" --unsafe-no-fsync --log-level warn \
    --listen-client-urls "$client" --advertise-client-urls "$client" \
    --listen-peer-urls "$peer" --initial-advertise-peer-urls "$peer" --initial-cluster "default=$peer"
  await kubernetes etcd 30 curl --fail --silent --max-time 2 "$client/health"
}

# The certificate is the server's own; it names 127.0.0.1 and holds its authority.
kubernetes_apiserver() {
  port kube-apiserver 26443 >/dev/null
  # Garbage collected less often leaves the processor to the tests.
  spawn kubernetes kube-apiserver env GOGC=300 "$(tool kube-apiserver)" \
    --etcd-servers "http://127.0.0.1:$(port_of etcd)" \
    --bind-address 127.0.0.1 --secure-port "$(port_of kube-apiserver)" --cert-dir "$1/certificates" \
    --endpoint-reconciler-type none --service-cluster-ip-range 10.96.0.0/16 \
    --authorization-mode RBAC --token-auth-file "$1/tokens.csv" --allow-privileged \
    --service-account-issuer https://kubernetes.default.svc \
    --service-account-key-file "$1/service-accounts.key" --service-account-signing-key-file "$1/service-accounts.key"
  await kubernetes kube-apiserver 60 kubernetes_api /readyz
}

kubernetes_api() {
  local path=$1
  shift
  curl --fail --silent --max-time 5 --cacert "$state/kubernetes/certificates/apiserver.crt" \
    -H "Authorization: Bearer $(cat "$state/kubernetes/token")" "$@" "https://127.0.0.1:$(port_of kube-apiserver)$path"
}

kubernetes_kubeconfig() {
  cat <<END
apiVersion: v1
kind: Config
clusters:
  - name: tests
    cluster:
      server: https://127.0.0.1:$(port_of kube-apiserver)
      certificate-authority: $1/certificates/apiserver.crt
users:
  - name: admin
    user:
      token: $(cat "$1/token")
contexts:
  - name: tests
    context: {cluster: tests, user: admin}
current-context: tests
END
}

# Nothing listens: what these do is seen at the API.
kubernetes_controllers() {
  spawn kubernetes kube-controller-manager "$(tool kube-controller-manager)" --kubeconfig "$1/kubeconfig" \
    --leader-elect=false --secure-port 0 --kube-api-qps 200 --kube-api-burst 400 \
    --service-account-private-key-file "$1/service-accounts.key" --root-ca-file "$1/certificates/apiserver.crt"
  spawn kubernetes kube-scheduler "$(tool kube-scheduler)" --kubeconfig "$1/kubeconfig" \
    --leader-elect=false --secure-port 0 --kube-api-qps 200 --kube-api-burst 400
  spawn kubernetes kwok "$(tool kwok)" --kubeconfig "$1/kubeconfig" --config "$repo/hack/services.d/stages.yaml" \
    --manage-all-nodes --node-lease-duration-seconds 40
  await kubernetes kube-controller-manager 60 kubernetes_api /api/v1/namespaces/default/serviceaccounts/default
}

kubernetes_node() {
  kubernetes_api /api/v1/nodes -H 'Content-Type: application/yaml' --data-binary @- >/dev/null <<END
apiVersion: v1
kind: Node
metadata:
  name: kwok
  labels: {kubernetes.io/hostname: kwok, kubernetes.io/os: linux, type: kwok}
status:
  capacity: {cpu: "1000", memory: 4Ti, pods: "10000"}
  allocatable: {cpu: "1000", memory: 4Ti, pods: "10000"}
END
  await kubernetes kwok 60 kubernetes_node_ready
  await kubernetes kube-scheduler 1 true
}

kubernetes_node_ready() { kubernetes_api /api/v1/nodes/kwok | tr -d ' \n' | grep -q '"type":"Ready","status":"True"'; }

kubernetes_env() { echo "export TEST_KUBECONFIG='$state/kubernetes/kubeconfig'"; }
