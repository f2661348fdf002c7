package lambdahttp

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"

	"aoai-bridge/shared/rawjson"
)

// decoder reads members of an event, which aws-lambda-go has found to be valid JSON. A member that is
// null or not there is empty; the first one of a wrong type is kept as the error.
type decoder struct {
	o    *rawjson.Object
	path string // of o in the event, with a dot behind
	err  *error
}

func (d decoder) fail(name string, why any) {
	if *d.err == nil {
		*d.err = fmt.Errorf("event member %s%s: %v", d.path, name, why)
	}
}

func (d decoder) text(name string) string {
	text, ok := rawjson.Text(d.o.Get(name))
	if !ok {
		d.fail(name, "not a string")
	}
	return text
}

func (d decoder) object(name string) decoder {
	raw := d.o.Get(name)
	if raw == nil || raw[0] == 'n' {
		raw = []byte("{}")
	}
	o, err := rawjson.Parse(raw)
	if err != nil {
		d.fail(name, "not an object")
		o, _ = rawjson.Parse([]byte("{}")) // never fails
	}
	return decoder{o, d.path + name + ".", d.err}
}

// texts reads an object of arrays of strings.
func (d decoder) texts(name string, set func(key string, values []string)) {
	inner := d.object(name)
	for key, raw := range inner.o.All() {
		values, ok := rawjson.Texts(raw)
		if !ok {
			inner.fail(key, "not an array of strings")
		}
		set(key, values)
	}
}

// headers come as single values from a Function URL, and both ways from a REST API.
func (d decoder) headers() http.Header {
	h := make(http.Header, 16)
	d.texts("multiValueHeaders", func(name string, values []string) { h[http.CanonicalHeaderKey(name)] = values })
	if len(h) > 0 {
		return h
	}
	single := d.object("headers")
	for name := range single.o.All() {
		h.Set(name, single.text(name))
	}
	return h
}

func (d decoder) query() url.Values {
	q := url.Values{}
	d.texts("multiValueQueryStringParameters", func(name string, values []string) { q[name] = values })
	return q
}

func (d decoder) body() []byte {
	text, ok := rawjson.TextBytes(d.o.Get("body"))
	if !ok {
		d.fail("body", "not a string")
	}
	if encoded := d.o.Get("isBase64Encoded"); encoded == nil || encoded[0] != 't' {
		return text
	}
	body, err := base64.StdEncoding.AppendDecode(nil, text)
	if err != nil {
		d.fail("body", err)
	}
	return body
}
