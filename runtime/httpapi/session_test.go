package httpapi_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/docvault/docvault/runtime/httpapi"
	"github.com/docvault/docvault/runtime/runtimetest"
)

// TestSessionIsEndedEverywhere: who has copied a cookie has nothing once its session was ended, at whichever API.
func TestSessionIsEndedEverywhere(t *testing.T) {
	t.Parallel()
	const token = "correct horse battery staple"
	parts := runtimetest.NewApp(t)
	var apis [2]string
	for i := range apis {
		server := httptest.NewServer(httpapi.New(parts.Another(t), httpapi.Config{
			APIToken: token, Version: "test", Logger: parts.Log.Logger(), Metrics: prometheus.NewRegistry(),
		}))
		t.Cleanup(server.Close)
		apis[i] = server.URL
	}
	ask := func(method, url string, headers ...string) answer {
		t.Helper()
		return fetch(t, http.DefaultClient, method, url, http.NoBody, headers...)
	}
	login := func() string {
		t.Helper()
		api := &app{client: http.DefaultClient, server: &httptest.Server{URL: apis[0]}}
		in := api.send(t, "POST", "/api/session", `{"token": "`+token+`"}`).want(t, "login", 204, "")
		return in.Cookies()[0].Name + "=" + in.Cookies()[0].Value
	}
	mine, others := login(), login()
	for _, api := range apis {
		ask("GET", api+"/api/topics", "Cookie", mine).want(t, "a session", 200, "")
		ask("GET", api+"/api/topics", "Cookie", mine, "Authorization", "Bearer wrong").want(t, "a session beside a wrong token", 200, "")
		ask("GET", api+"/api/topics", "Cookie", "docvault_session=of-another-path; "+mine).want(t, "a session behind another", 200, "")
		ask("GET", api+"/api/topics", "Cookie", "docvault_session=x", "Authorization", "Bearer "+token).want(t, "a token beside no session", 200, "")
		ask("GET", api+"/api/topics", "Cookie", "docvault_session=x", "Authorization", "Bearer wrong").want(t, "neither", 401, "unauthorized")
	}

	out := ask("DELETE", apis[0]+"/api/session", "Cookie", mine).want(t, "logout", 204, "")
	if cookie := out.Cookies()[0]; cookie.MaxAge >= 0 || cookie.Value != "" {
		t.Errorf("logging out set %s", cookie)
	}
	ask("DELETE", apis[1]+"/api/session", "Cookie", mine).want(t, "logout again", 204, "")
	for _, api := range apis {
		ask("GET", api+"/api/topics", "Cookie", mine).want(t, "a copy of an ended session", 401, "unauthorized")
		ask("GET", api+"/api/topics", "Cookie", others).want(t, "another session", 200, "")
		ask("GET", api+"/api/topics", "Cookie", mine+"; "+others).want(t, "another session behind the ended one", 200, "")
	}
	// The same signature, written otherwise: the last character of 256 bits holds two that do not count.
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	cut, last := mine[:len(mine)-1], strings.IndexByte(alphabet, mine[len(mine)-1])
	ask("GET", apis[0]+"/api/topics", "Cookie", cut+string(alphabet[last^1])).want(t, "an ended session, written otherwise", 401, "unauthorized")

	parts.Store.Close()
	if away := ask("DELETE", apis[0]+"/api/session", "Cookie", others).want(t, "logout without the database", 503, "unavailable"); len(away.Cookies()) != 0 {
		t.Errorf("the cookie is taken away, and the session goes on: %s", away.Cookies()[0])
	}
}
