package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
)

// accountFiles is where Kubernetes puts the token of a pod's service account and the authority of its API server.
const accountFiles = "/var/run/secrets/kubernetes.io/serviceaccount"

const apiServer = "https://kubernetes.default.svc"

func fromAccount(file string) string {
	content, err := os.ReadFile(filepath.Join(accountFiles, file)) //nolint:gosec // "token" or "ca.crt"
	if err != nil {
		return "" // the attempts then go without it, and are answered otherwise than expected
	}
	return string(content)
}

func ownServices(try trying, own Vault) {
	try("api server: who it is", func(ctx context.Context) error {
		review := `{"apiVersion":"authentication.k8s.io/v1","kind":"SelfSubjectReview"}`
		return account{own.Namespace}.ask(ctx, http.MethodPost, "/apis/authentication.k8s.io/v1/selfsubjectreviews", review)
	})
}

func crossServices(try trying, m Map) {
	other := m.Other
	pod := `{"apiVersion":"v1","kind":"Pod","metadata":{"name":"taken"},"spec":{"containers":[{"name":"taken","image":"taken"}]}}`
	secrets := "/api/v1/namespaces/" + other.Namespace + "/secrets"
	beside := "/api/v1/namespaces/" + m.Operator
	ledgers := beside + "/secrets"
	vaults := "/apis/docvault.io/v1alpha1/namespaces/" + other.Namespace + "/docvaults/"
	for what, request := range map[string]struct{ method, path, body string }{
		"list the other's Secrets":          {http.MethodGet, secrets, ""},
		"read the other's runtime Secret":   {http.MethodGet, secrets + "/" + other.Name + "-runtime", ""},
		"read the other's migration Secret": {http.MethodGet, secrets + "/" + other.Name + "-migrate", ""},
		"read the other's access Secret":    {http.MethodGet, secrets + "/" + other.Name + "-access", ""},
		"read the other's Redis Secret":     {http.MethodGet, secrets + "/" + other.Name + "-redis", ""},
		"read the other's vault":            {http.MethodGet, vaults + other.Name, ""},
		"delete the other's vault":          {http.MethodDelete, vaults + other.Name, ""},
		"run a pod beside the other's":      {http.MethodPost, "/api/v1/namespaces/" + other.Namespace + "/pods", pod},
		"list the operator's Secrets":       {http.MethodGet, ledgers, ""},
		"read the other's ledger":           {http.MethodGet, ledgers + "/" + other.Bucket, ""},
		"read the admin's Postgres login":   {http.MethodGet, ledgers + "/postgres-admin", ""},
		"read the admin's store key":        {http.MethodGet, ledgers + "/minio-admin", ""},
		"run a pod beside the operator":     {http.MethodPost, beside + "/pods", pod},
		"get a token of the operator's":     {http.MethodPost, beside + "/serviceaccounts/docvault-operator/token", "{}"},
		"list all vaults":                   {http.MethodGet, "/apis/docvault.io/v1alpha1/docvaults", ""},
		"list the classes":                  {http.MethodGet, "/apis/docvault.io/v1alpha1/docvaultclasses", ""},
	} {
		for _, account := range []account{{m.Own.Namespace}, {}} {
			try("api server: "+what+account.suffix(), func(ctx context.Context) error {
				return account.ask(ctx, request.method, request.path, request.body)
			})
		}
	}
	try("api: the other's with own token", func(ctx context.Context) error { return listDocuments(ctx, other) })
	for _, account := range []account{{m.Own.Namespace}, {}} {
		try("operator: read its metrics"+account.suffix(), func(ctx context.Context) error { return account.readMetrics(ctx, m.Operator) })
	}
}

// account is the service account of a namespace's pods that name none; without a namespace, nobody.
type account struct{ namespace string }

func (a account) user() string {
	if a.namespace == "" {
		return "system:anonymous"
	}
	return "system:serviceaccount:" + a.namespace + ":default"
}

// suffix tells the attempts of nobody from those of the account.
func (a account) suffix() string {
	if a.namespace == "" {
		return " as nobody"
	}
	return ""
}

func (a account) signs(request *http.Request) {
	if a.namespace != "" {
		bear(request, fromAccount("token"))
	}
}

// ask asks the API server. Errors: a refusal, "http 403 Forbidden" of what RBAC does not let pass.
func (a account) ask(ctx context.Context, method, path, body string) error {
	request, err := http.NewRequestWithContext(ctx, method, apiServer+path, bytes.NewReader([]byte(body)))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	a.signs(request)
	authorities := x509.NewCertPool()
	if !authorities.AppendCertsFromPEM([]byte(fromAccount("ca.crt"))) {
		return errors.New("the pod has no service account")
	}
	client := &http.Client{Transport: &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: authorities, MinVersion: tls.VersionTLS12}, DisableKeepAlives: true,
	}}
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode < http.StatusBadRequest {
		return nil
	}
	var status struct{ Reason, Message string }
	if err := json.NewDecoder(response.Body).Decode(&status); err != nil {
		return fmt.Errorf("read what the API server says to %s: %w", path, err)
	}
	// RBAC names who may not; others (quotas, Pod Security) refuse with the same code those who might.
	if !strings.Contains(status.Message, fmt.Sprintf("User %q cannot", a.user())) {
		return fmt.Errorf("%d %s: %s", response.StatusCode, status.Reason, status.Message)
	}
	return refusal(fmt.Sprintf("http %d %s", response.StatusCode, status.Reason))
}

func listDocuments(ctx context.Context, vault Vault) error {
	address := "http://" + vault.Name + "-api." + vault.Namespace + ".svc/api/documents"
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return err
	}
	bear(request, os.Getenv("API_TOKEN"))
	return call(http.DefaultClient, request)
}

// readMetrics reads what the operator serves under a certificate of its own making.
func (a account) readMetrics(ctx context.Context, namespace string) error {
	address := "https://docvault-operator-metrics." + namespace + ".svc:8443/metrics"
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return err
	}
	a.signs(request)
	return call(&http.Client{Transport: &http.Transport{
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, //nolint:gosec // nobody can check it, and nothing is told to it
	}}, request)
}

func bear(request *http.Request, token string) { request.Header.Set("Authorization", "Bearer "+token) }

func call(client *http.Client, request *http.Request) error {
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode >= http.StatusBadRequest {
		return refusal(fmt.Sprintf("http %d", response.StatusCode))
	}
	return nil
}
