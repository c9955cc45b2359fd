package provision

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// redisTimeout bounds each exchange with a vault's Redis.
const redisTimeout = 5 * time.Second

// ErrRedisRefused says that a vault's Redis does not know its admin, or lets it do too little: it has read an older list of users.
var ErrRedisRefused = errors.New("the server does not take its admin's login")

// RedisServer says where a vault's Redis is and who changes its users.
type RedisServer struct {
	Address        string // host:port
	User, Password string // of one who may change users
	// Dial connects; nil: as usual.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

// RedisUser is one who may use a Redis, with rules as ACL SETUSER and ACL files have them.
type RedisUser struct {
	Name  string
	Rules []string
}

// EnsureRedisUsers makes a running Redis let in these users and nobody else. Sessions of a user that goes, or has got another password,
// are ended; those of one that stays go on. The user that changes them, and the one without a name, stay as they are.
// Errors: ErrRedisRefused.
func EnsureRedisUsers(ctx context.Context, s RedisServer, users []RedisUser) error {
	client := redis.NewClient(&redis.Options{
		Addr: s.Address, Username: s.User, Password: s.Password, Dialer: s.Dial,
		Protocol: 2, DisableIdentity: true, // CLIENT SETINFO and HELLO 3 are not among the admin's rights, and not needed
		PoolSize: 1, MaxRetries: -1, DialerRetries: 1, DialTimeout: redisTimeout, ReadTimeout: redisTimeout, WriteTimeout: redisTimeout,
	})
	defer func() { _ = client.Close() }()
	there, err := redisUsers(ctx, client)
	if err != nil {
		return fmt.Errorf("list the users of Redis: %w", redisCause(err))
	}
	for _, user := range users {
		if user.Name == s.User || user.isIn(there) {
			continue
		}
		if user.hadPassword(there) { // setting another ends no session
			if err := client.Do(ctx, "ACL", "DELUSER", user.Name).Err(); err != nil {
				return fmt.Errorf("end the sessions of user %q of Redis: %w", user.Name, redisCause(err))
			}
		}
		arguments := []any{"ACL", "SETUSER", user.Name, "reset"}
		for _, rule := range user.Rules {
			arguments = append(arguments, rule)
		}
		if err := client.Do(ctx, arguments...).Err(); err != nil {
			return fmt.Errorf("set user %q of Redis: %w", user.Name, redisCause(err))
		}
	}
	for name := range there {
		wanted := slices.ContainsFunc(users, func(u RedisUser) bool { return u.Name == name })
		if wanted || name == s.User || name == "default" {
			continue
		}
		if err := client.Do(ctx, "ACL", "DELUSER", name).Err(); err != nil {
			return fmt.Errorf("delete user %q of Redis: %w", name, redisCause(err))
		}
	}
	return nil
}

// redisUsers returns how the server writes down each user, in the words of an ACL file.
func redisUsers(ctx context.Context, client *redis.Client) (map[string][]string, error) {
	lines, err := client.Do(ctx, "ACL", "LIST").StringSlice()
	users := map[string][]string{}
	for _, line := range lines {
		if words := strings.Fields(line); len(words) > 1 {
			users[words[1]] = words[2:]
		}
	}
	return users, err
}

// isIn reports whether a user is there, lets in and has its password. Rights are not compared: servers write them each in its own
// way, and nobody but the admin can change them.
func (u RedisUser) isIn(there map[string][]string) bool {
	words := there[u.Name]
	for _, rule := range u.Rules {
		if (rule == "on" || rule == "nopass" || strings.HasPrefix(rule, "#")) && !slices.Contains(words, rule) {
			return false
		}
	}
	return len(words) > 0
}

// hadPassword reports whether a user is there with a password that is not its own any more, or with none. Nobody can delete the one
// without a name.
func (u RedisUser) hadPassword(there map[string][]string) bool {
	return u.Name != "default" && slices.ContainsFunc(there[u.Name], func(word string) bool {
		return (word == "nopass" || strings.HasPrefix(word, "#")) && !slices.Contains(u.Rules, word)
	})
}

// redisCause tells a server that refuses its admin from one that is away.
func redisCause(err error) error {
	var answer redis.Error
	if errors.As(err, &answer) {
		for _, refusal := range []string{"WRONGPASS", "NOAUTH", "NOPERM"} {
			if strings.HasPrefix(answer.Error(), refusal) {
				return ErrRedisRefused
			}
		}
	}
	return err
}
