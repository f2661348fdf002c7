package main

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"fmt"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strings"
	"time"

	"aoai-bridge/shared/openaierr"
	"aoai-bridge/shared/telemetry"
)

//go:embed page
var files embed.FS

// security are headers of every answer. The page loads nothing from elsewhere, and nothing of what a model or a file
// says can run in it.
var security = map[string]string{
	"Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; worker-src 'self'; " +
		"img-src 'self' data: blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
	"Cross-Origin-Opener-Policy": "same-origin",
	"Referrer-Policy":            "no-referrer",
	"X-Content-Type-Options":     "nosniff",
}

// asset is a file of the page.
type asset struct {
	content           []byte
	contentType, etag string
}

// page serves the files by the last segment of a path, so that it works below any stage and any base path of a custom
// domain. What ends in "console" or a slash is the page itself.
type page map[string]asset

// index is the file that stands for the page.
const index = "index.html"

func newPage() page {
	p := page{}
	err := fs.WalkDir(files, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := files.ReadFile(name)
		if _, taken := p[path.Base(name)]; taken {
			return fmt.Errorf("two files are named %s, and paths differ in their last segment only", path.Base(name))
		}
		p[path.Base(name)] = asset{content, contentTypeOf(name), fmt.Sprintf(`"%.16x"`, sha256.Sum256(content))}
		return err
	})
	if err != nil {
		panic(err) // a fault of the build, which every test finds
	}
	return p
}

// contentTypeOf does not ask the machine, as package mime would: modules run only as JavaScript.
func contentTypeOf(name string) string {
	types := map[string]string{".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml", ".txt": "text/plain"}
	return mime.FormatMediaType(types[path.Ext(name)], map[string]string{"charset": "utf-8"})
}

func (p page) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	telemetry.From(r.Context()).Operation = "console"
	header := w.Header()
	for name, value := range security {
		header.Set(name, value)
	}
	name := path.Base(r.URL.Path)
	if name == "console" || strings.HasSuffix(r.URL.Path, "/") {
		name = index
	}
	file, ok := p[name]
	switch {
	case !ok:
		telemetry.Fail(w, r, &openaierr.Error{
			Status: http.StatusNotFound, Type: openaierr.TypeInvalidRequest, Code: "unknown_url",
			Message: fmt.Sprintf("The console has no file %.100q. Open /console; the base URL of the API ends in /v1.", name),
		})
		return
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		header.Set("Allow", "GET, HEAD")
		telemetry.Fail(w, r, &openaierr.Error{
			Status: http.StatusMethodNotAllowed, Type: openaierr.TypeInvalidRequest, Code: "method_not_allowed",
			Message: fmt.Sprintf("%s is no method of the console. Use GET.", r.Method),
		})
		return
	}
	header.Set("Content-Type", file.contentType)
	header.Set("Cache-Control", "no-cache") // asked for each time, and sent only if it has changed
	header.Set("ETag", file.etag)
	http.ServeContent(w, r, name, time.Time{}, bytes.NewReader(file.content))
}
