package azureopenai

import (
	"compress/gzip"
	"compress/zlib"
	"io"
	"net/http"
)

// compressor is a ResponseWriter whose body is compressed.
type compressor struct {
	http.ResponseWriter
	encoding string
	body     interface {
		io.WriteCloser
		Flush() error
	}
}

// compress compresses the answer by "gzip" or "deflate".
func (x *exchange) compress(encoding string) {
	c := &compressor{ResponseWriter: x.w, encoding: encoding}
	if encoding == "gzip" {
		c.body = gzip.NewWriter(x.w)
	} else {
		c.body = zlib.NewWriter(x.w)
	}
	x.w = c
}

func (c *compressor) WriteHeader(status int) {
	c.Header().Set("Content-Encoding", c.encoding)
	c.Header().Del("Content-Length")
	c.ResponseWriter.WriteHeader(status)
}

func (c *compressor) Write(b []byte) (int, error) { return c.body.Write(b) }

func (c *compressor) Flush() {
	_ = c.body.Flush() // the next write meets the same error
	if f, ok := c.ResponseWriter.(http.Flusher); ok {
		f.Flush()
	}
}

func (c *compressor) close() { _ = c.body.Close() } // a client that is gone is noted in the record
