package classify

import "net/http"

// Divert has a factory's providers reach this server whatever their URL, so that what is done for their own URLs can be seen.
func (f *Factory) Divert(host string) { f.client.Transport = diverted(host) }

type diverted string

func (d diverted) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.URL.Scheme, r.URL.Host = "http", string(d)
	return http.DefaultTransport.RoundTrip(r)
}
