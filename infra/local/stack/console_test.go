package stack_test

import (
	"net/http"
	"strings"
	"testing"

	"aoai-bridge/infra/local/stack"
)

// The console needs no key, and is there unless it was left out.
func TestConsole(t *testing.T) {
	with, _ := start(t, stack.Options{})
	without, _ := start(t, stack.Options{Parameters: map[string]string{"Console": "false"}})
	for _, tt := range []struct {
		name   string
		stack  *stack.Stack
		path   string
		status int
		want   string
	}{
		{"the page", with, "/console", http.StatusOK, `<script type="module" src="console/app.js">`},
		{"the page with a slash", with, "/console/", http.StatusOK, `<script type="module" src="console/app.js">`},
		{"a module", with, "/console/app.js", http.StatusOK, "import"},
		{"a module of the page with a slash", with, "/console/console/app.js", http.StatusOK, "import"},
		{"no such file", with, "/console/nothing.js", http.StatusNotFound, `"code":"unknown_url"`},
		{"left out", without, "/console", http.StatusUnauthorized, `"error"`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			status, body := call{method: http.MethodGet, path: tt.path, header: map[string]string{"Authorization": ""}}.answer(t, tt.stack)
			if status != tt.status || !strings.Contains(body, tt.want) {
				t.Errorf("got %d %.300s", status, body)
			}
		})
	}
}
