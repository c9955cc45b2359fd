package classify

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"syscall"
	"time"
)

const (
	// maxAnswerBytes bounds what a server may answer: the longest known list of models has 1 MiB.
	maxAnswerBytes = 4 << 20
	dialTimeout    = 10 * time.Second
)

var (
	errForbiddenAddress = errors.New("link-local address refused")
	// awsMetadata is the one metadata service that is not link-local.
	awsMetadata = netip.MustParseAddr("fd00:ec2::254")
)

// newClient returns a client for servers that the vault's owner chose, who need not be the owner of this machine. It follows no
// redirect, knows no proxy (nothing but cmd reads the environment; and a proxy would dial for it), and dials no metadata service.
func newClient() *http.Client {
	dialer := &net.Dialer{Timeout: dialTimeout, Control: refuseLinkLocal}
	return &http.Client{
		Transport: &http.Transport{
			DialContext: dialer.DialContext, TLSHandshakeTimeout: dialTimeout, ForceAttemptHTTP2: true,
			MaxIdleConnsPerHost: 4, IdleConnTimeout: time.Minute, MaxResponseHeaderBytes: 64 << 10,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// refuseLinkLocal looks at the address that is dialed, whatever name led to it.
func refuseLinkLocal(_, address string, _ syscall.RawConn) error {
	at, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("read the address: %w", err)
	}
	ip := at.Addr().Unmap().WithZone("")
	if ip.IsLinkLocalUnicast() || ip.IsMulticast() || ip == awsMetadata {
		return errForbiddenAddress
	}
	return nil
}

// peer is a server that speaks JSON.
type peer struct {
	client  *http.Client
	base    string
	timeout time.Duration
	headers []string // name, value, name, value
}

func (p peer) with(name, value string) peer {
	if value != "" {
		p.headers = append(p.headers[:len(p.headers):len(p.headers)], name, value)
	}
	return p
}

func (p peer) withBearer(key string) peer {
	if key == "" {
		return p
	}
	return p.with("Authorization", "Bearer "+key)
}

// call sends a request (body nil: none) and reads the answer. Errors: *Failure, *Unavailable, *invalid; ctx's own when it ended.
func (p peer) call(ctx context.Context, method, path string, body, answer any) error {
	bounded, cancel := context.WithTimeout(ctx, p.timeout)
	defer cancel()
	request, err := p.request(bounded, method, path, body)
	if err != nil {
		return err
	}
	response, err := p.client.Do(request)
	if err != nil {
		return told(ctx, err)
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		return refusalOf(response)
	}
	raw, err := io.ReadAll(io.LimitReader(response.Body, maxAnswerBytes+1))
	if err != nil {
		return told(ctx, err)
	}
	if len(raw) > maxAnswerBytes {
		return &Failure{CodeInvalidAnswer, "The provider's answer is too large to be one. Check the base URL in the settings."}
	}
	if err := json.Unmarshal(raw, answer); err != nil {
		return &invalid{reason: "The server's answer is not of its protocol."}
	}
	return nil
}

func (p peer) request(ctx context.Context, method, path string, body any) (*http.Request, error) {
	var content io.Reader
	if body != nil {
		raw, err := json.Marshal(body)
		if err != nil {
			return nil, fmt.Errorf("write the request: %w", err)
		}
		content = bytes.NewReader(raw)
	}
	request, err := http.NewRequestWithContext(ctx, method, p.base+path, content)
	if err != nil {
		return nil, &Failure{CodeRejected, "The base URL cannot be used. Correct it in the settings."}
	}
	request.Header.Set("User-Agent", "docvault")
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(p.headers); i += 2 {
		request.Header.Set(p.headers[i], p.headers[i+1])
	}
	return request, nil
}

// told says what became of a call without a whole answer.
func told(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err() // the caller's end, not the server's silence
	}
	if errors.Is(err, errForbiddenAddress) {
		return &Failure{CodeRejected, "The base URL leads to a link-local address, which no provider has. Correct it in the settings."}
	}
	if failed, ok := errors.AsType[*url.Error](err); ok {
		err = failed.Err // without the URL
	}
	detail := "The provider cannot be reached."
	if errors.Is(err, context.DeadlineExceeded) {
		detail = "The provider did not answer in time."
	}
	return &Unavailable{Detail: detail, cause: err}
}

// refusalOf says what an answer other than 200 means. Of its body nothing is read: it may hold anything.
func refusalOf(r *http.Response) error {
	switch s := r.StatusCode; {
	case s == http.StatusTooManyRequests:
		return &Unavailable{
			Detail:     "The provider allows no more calls for now (429). Its limits or the account's credit may be used up.",
			RetryAfter: retryAfter(r.Header, time.Now()),
		}
	case s == http.StatusRequestTimeout, s >= http.StatusInternalServerError:
		return &Unavailable{Detail: fmt.Sprintf("The provider cannot serve now (%d).", s), RetryAfter: retryAfter(r.Header, time.Now())}
	case s == http.StatusUnauthorized:
		return &Failure{CodeUnauthorized, "The provider does not take the API key (401). Store a valid one in the settings."}
	case s == http.StatusForbidden:
		return &Failure{CodeUnauthorized, "The API key may not do this (403). Check what it is allowed to, or store another."}
	case s == http.StatusNotFound:
		return &Failure{CodeModelNotFound, "The provider does not know the model, or the base URL is wrong (404). Correct the settings."}
	case s >= http.StatusMultipleChoices && s < http.StatusBadRequest:
		return &Failure{CodeRejected, fmt.Sprintf(
			"The server redirects (%d), which is not followed. Set the base URL to where it leads.", s)}
	}
	return &Failure{CodeRejected, fmt.Sprintf(
		"The provider refused the request (%d). Check that the model takes a JSON schema and texts of this length.", r.StatusCode)}
}
