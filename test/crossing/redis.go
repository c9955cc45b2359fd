package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"strings"
)

func (v Vault) redisHost() string { return v.Name + "-redis." + v.Namespace + ".svc" }

// ownLogIn returns how the vault's own pods log in, as a command.
func ownLogIn() (user, password, command string) {
	u, err := url.Parse(os.Getenv("REDIS_URL"))
	if err != nil || u.User == nil {
		return "", "", ""
	}
	password, _ = u.User.Password()
	return u.User.Username(), password, "AUTH " + u.User.Username() + " " + password
}

func ownRedis(try trying, own Vault) {
	_, _, logIn := ownLogIn()
	try("redis: leave or find own mark", func(ctx context.Context) error {
		there, err := own.redis(ctx, logIn, "SET "+mark+" "+own.Namespace+" NX", "GET "+mark)
		if err == nil && there != own.Namespace {
			return errors.New("it was overwritten")
		}
		return err
	})
}

func crossRedis(try trying, m Map) {
	user, password, logIn := ownLogIn()
	get := "GET " + mark
	for what, commands := range map[string][]string{
		"with own login":           {"AUTH " + user + " " + password, get},
		"with own password alone":  {"AUTH " + password, get},
		"as the operator":          {"AUTH operator " + password, "ACL LIST"},
		"without a login":          {get},
		"as who asks for its life": {"AUTH probe none", get},
	} {
		try("redis: the other's "+what, func(ctx context.Context) error { _, err := m.Other.redis(ctx, commands...); return err })
	}
	for what, command := range map[string]string{
		"have own follow the other's": "REPLICAOF " + m.Other.redisHost() + " 6379",
		"move a key to the other's":   "MIGRATE " + m.Other.redisHost() + " 6379 " + mark + " 0 1000",
		"list the users of own":       "ACL LIST",
		"configure own":               "CONFIG SET dir /tmp",
	} {
		try("redis: "+what, func(ctx context.Context) error { _, err := m.Own.redis(ctx, logIn, command); return err })
	}
}

// redis sends commands to a vault's Redis, one after the other, and returns the last answer's text, or the first refusal.
func (v Vault) redis(ctx context.Context, commands ...string) (text string, err error) {
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", v.redisHost()+":6379")
	if err != nil {
		return "", err
	}
	defer conn.Close()
	if deadline, ok := ctx.Deadline(); ok {
		if err := conn.SetDeadline(deadline); err != nil {
			return "", err
		}
	}
	answers := bufio.NewReader(conn)
	for _, command := range commands {
		if _, err := fmt.Fprintf(conn, "%s\r\n", command); err != nil {
			return "", err
		}
		if text, err = readAnswer(answers); err != nil {
			return "", err
		}
	}
	return text, nil
}

// readAnswer reads an answer, but for the elements of a list, which only a last one may be.
func readAnswer(in *bufio.Reader) (string, error) {
	line, err := in.ReadString('\n')
	if err != nil {
		return "", err
	}
	line = strings.TrimSpace(line)
	switch {
	case strings.HasPrefix(line, "-"):
		code, _, _ := strings.Cut(line[1:], " ")
		return "", refusal("redis " + code)
	case strings.HasPrefix(line, "$") && line != "$-1": // followed by the text
		line, err = in.ReadString('\n')
	}
	return strings.TrimSpace(line), err
}
