package azure

import (
	"bufio"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"errors"
	"io"
	"net/http"
	"strings"
)

// maxInflated bounds what a compressed answer may become, in bytes. It is more than any answer of Azure's has.
const maxInflated = 1 << 30

var (
	errEncoding = errors.New("the answer has a content encoding that nobody asked for")
	errInflated = errors.New("the compressed answer is too large")
)

// decoded returns a response's body without its content encoding. We ask for none, but a proxy may compress all
// the same (RFC 9110, section 12.5.3, lets it).
func decoded(r *http.Response) io.ReadCloser {
	var body io.Reader = r.Body
	encodings := strings.Split(strings.Join(r.Header["Content-Encoding"], ","), ",")
	plain := true
	for i := len(encodings) - 1; i >= 0; i-- { // the last one was applied last
		encoding := strings.ToLower(strings.TrimSpace(encodings[i]))
		if encoding == "" || encoding == "identity" {
			continue
		}
		plain = false
		switch encoding {
		case "gzip", "x-gzip":
			body = &inflater{from: body, open: openGzip}
		case "deflate":
			body = &inflater{from: body, open: openDeflate}
		default:
			body = &inflater{err: errEncoding}
		}
	}
	if plain {
		return r.Body
	}
	return &decodedBody{body, r.Body}
}

type decodedBody struct {
	io.Reader
	io.Closer
}

// inflater decompresses as it is read, so that it waits for nothing before that.
type inflater struct {
	from io.Reader
	open func(io.Reader) (io.Reader, error)
	to   io.Reader
	size int64
	err  error
}

func (i *inflater) Read(p []byte) (int, error) {
	if i.to == nil && i.err == nil {
		i.to, i.err = i.open(i.from)
	}
	if i.err != nil {
		return 0, i.err
	}
	n, err := i.to.Read(p)
	if i.size += int64(n); i.size > maxInflated {
		err = errInflated
	}
	i.err = err
	return n, err
}

func openGzip(r io.Reader) (io.Reader, error) { return gzip.NewReader(r) }

// openDeflate takes the zlib format, which the name stands for, and what some servers send in its place: deflate
// without a header.
func openDeflate(r io.Reader) (io.Reader, error) {
	b := bufio.NewReader(r)
	head, err := b.Peek(2)
	switch {
	case len(head) == 0:
		return nil, err
	case len(head) == 2 && head[0]&0x0f == 8 && (int(head[0])<<8|int(head[1]))%31 == 0:
		return zlib.NewReader(b)
	}
	return flate.NewReader(b), nil
}
