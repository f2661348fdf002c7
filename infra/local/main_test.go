package main

import (
	"os"
	"path/filepath"
	"testing"
)

// A stack that ends leaves the file of another one, and misses none that is gone.
func TestRemoveOwn(t *testing.T) {
	const own = "export AWS_ENDPOINT_URL='http://127.0.0.1:8081'\n"
	for _, test := range []struct {
		name, there string
		stays       bool
	}{
		{"its own", own, false},
		{"that of a stack started later", "export AWS_ENDPOINT_URL='http://127.0.0.1:9081'\n", true},
		{"none", "", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "local.env")
			if test.there != "" {
				if err := os.WriteFile(file, []byte(test.there), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			if err := removeOwn(file, []byte(own)); err != nil {
				t.Error(err)
			}
			if _, err := os.Stat(file); (err == nil) != test.stays {
				t.Errorf("the file afterwards: %v, want it to stay: %v", err, test.stays)
			}
		})
	}
}
