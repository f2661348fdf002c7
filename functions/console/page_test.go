package main

import (
	"crypto/sha256"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path"
	"regexp"
	"strings"
	"testing"
)

func TestPage(t *testing.T) {
	p := newPage()
	tests := []struct {
		name, method, path string
		status             int
		contentType        string // "" for an error's
		want               string // in the body
	}{
		{"the page", "GET", "/console", 200, "text/html; charset=utf-8", "<title>"},
		{"with a slash", "GET", "/console/", 200, "text/html; charset=utf-8", "<title>"},
		{"below a base path", "GET", "/ai/console", 200, "text/html; charset=utf-8", "<title>"},
		{"a module", "GET", "/console/app.js", 200, "text/javascript; charset=utf-8", "import"},
		{"a module of the page with a slash", "GET", "/console/console/app.js", 200, "text/javascript; charset=utf-8", "import"},
		{"a module below a base path", "GET", "/ai/console/app.js", 200, "text/javascript; charset=utf-8", "import"},
		{"what others wrote", "GET", "/console/purify.js", 200, "text/javascript; charset=utf-8", "Apache license"},
		{"the style", "GET", "/console/style.css", 200, "text/css; charset=utf-8", "color-scheme"},
		{"the icon", "GET", "/console/icon.svg", 200, "image/svg+xml; charset=utf-8", "<svg"},
		{"its headers", "HEAD", "/console", 200, "text/html; charset=utf-8", ""},
		{"no such file", "GET", "/console/main.go", 404, "", "unknown_url"},
		{"a way out", "GET", "/console/../../page.go", 404, "", "unknown_url"},
		{"a name that is no file's", "GET", "/console/<script>", 404, "", `\u003cscript\u003e`},
		{"POST", "POST", "/console", 405, "", "method_not_allowed"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := httptest.NewRequest(tt.method, "/", nil)
			r.URL.Path = tt.path
			w := httptest.NewRecorder()
			p.ServeHTTP(w, r)
			body, header := w.Body.String(), w.Header()
			if w.Code != tt.status || !strings.Contains(body, tt.want) || tt.contentType != "" && header.Get("Content-Type") != tt.contentType {
				t.Errorf("got %d %s %.300q", w.Code, header.Get("Content-Type"), body)
			}
			if policy := header.Get("Content-Security-Policy"); !strings.HasPrefix(policy, "default-src 'none'; script-src 'self';") || header.Get("X-Content-Type-Options") != "nosniff" {
				t.Errorf("headers are %v", header)
			}
			if len(header["Set-Cookie"]) > 0 {
				t.Errorf("a cookie is set: %v", header["Set-Cookie"])
			}
		})
	}
}

func TestUnchangedPage(t *testing.T) {
	p := newPage()
	w := httptest.NewRecorder()
	p.ServeHTTP(w, httptest.NewRequest("GET", "/console", nil))
	r := httptest.NewRequest("GET", "/console", nil)
	r.Header.Set("If-None-Match", w.Header().Get("ETag"))
	again := httptest.NewRecorder()
	p.ServeHTTP(again, r)
	if w.Header().Get("ETag") == "" || again.Code != http.StatusNotModified || again.Body.Len() > 0 {
		t.Errorf("tag %s: then %d with %d bytes", w.Header().Get("ETag"), again.Code, again.Body.Len())
	}
}

// maxPage is how much a browser loads at most: on a slow line the page is there in a second or two.
const maxPage = 200_000

func TestSize(t *testing.T) {
	total := 0
	for name, file := range newPage() {
		if !strings.HasSuffix(name, "-license.txt") { // which no browser loads
			total += len(file.content)
		}
	}
	if total >= maxPage {
		t.Errorf("the page has %d bytes, want fewer than %d", total, maxPage)
	}
	t.Logf("the page has %d bytes", total)
}

// What others wrote is as they published it.
func TestVendored(t *testing.T) {
	for name, sum := range map[string]string{ // of the npm packages streaming-markdown 0.2.15 (smd.min.js) and dompurify 3.5.0 (dist/purify.min.js)
		"smd.js":             "20c0a39e6ec48b99e2f505f8488d2342fb3000d03523a7ced6cd94c14b15e8c5",
		"smd-license.txt":    "35f9d60ce9f83fba5a4eaceedf6994e133d7dc9d50ab9098b909eb23564ebabb",
		"purify.js":          "f69a46022ab1f53e969c8ebbca98172c8995785a9b3be72ea4a12d25b1a1bf67",
		"purify-license.txt": "cfc7749b96f63bd31c3c42b5c471bf756814053e847c10f3eb003417bc523d30",
	} {
		if got := fmt.Sprintf("%x", sha256.Sum256(newPage()[name].content)); got != sum {
			t.Errorf("%s has the SHA-256 %s, want %s", name, got, sum)
		}
	}
}

var (
	imports = regexp.MustCompile(`(?m)^import [^"]*"\./([^"]+)"`)
	links   = regexp.MustCompile(`(?:href|src)="([^"]+)"`)
)

// A module that is not there, or one that nothing loads, is a leftover.
func TestNoLooseEnds(t *testing.T) {
	p := newPage()
	used := map[string]bool{index: true}
	for name, file := range p {
		pattern := imports
		if name == index {
			pattern = links
		}
		if strings.HasSuffix(name, ".html") || strings.HasSuffix(name, ".js") {
			for _, found := range pattern.FindAllStringSubmatch(string(file.content), -1) {
				used[path.Base(found[1])] = true
			}
		}
	}
	for name := range used {
		if _, ok := p[name]; !ok {
			t.Errorf("%s is loaded and is not there", name)
		}
	}
	for name := range p {
		if !used[name] && !strings.HasSuffix(name, "-license.txt") {
			t.Errorf("nothing loads %s", name)
		}
	}
}

var (
	told   = regexp.MustCompile(`new T\("([^"]+)"`)
	inRows = regexp.MustCompile(`(?m)^  "([^"]+)": \["((?:[^"\\]|\\.)*)", "((?:[^"\\]|\\.)*)"\],$`)
	values = regexp.MustCompile(`\{\w+\}`)
)

// The table of texts has every text that the modules name, in both languages and with the same values.
func TestTexts(t *testing.T) {
	p := newPage()
	table := map[string]bool{}
	for _, row := range inRows.FindAllStringSubmatch(string(p["texts.js"].content), -1) {
		if table[row[1]] {
			t.Errorf("%s is there twice", row[1])
		}
		table[row[1]] = true
		for _, value := range values.FindAllString(row[2], -1) {
			if !strings.Contains(row[3], value) {
				t.Errorf("%s has no %s in Japanese", row[1], value)
			}
		}
	}
	if lines := strings.Count(string(p["texts.js"].content), `"],`+"\n"); lines != len(table) {
		t.Errorf("%d of %d rows are in form", len(table), lines)
	}
	source := ""
	for name, file := range p {
		if strings.HasSuffix(name, ".js") && name != "texts.js" {
			source += string(file.content)
		}
	}
	for _, use := range told.FindAllStringSubmatch(source+string(p["texts.js"].content), -1) {
		if !table[use[1]] && !strings.HasSuffix(use[1], ".") {
			t.Errorf("there is no text %q", use[1])
		}
	}
	for key := range table {
		group, _, _ := strings.Cut(key, ".")
		if !strings.Contains(source, `"`+key+`"`) && !strings.Contains(source, `"`+group+`."`) && !strings.HasPrefix(key, "time.") {
			t.Errorf("nothing says %q", key)
		}
	}
}
