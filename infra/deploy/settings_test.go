package main

import (
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestParseOverrides(t *testing.T) {
	tests := []struct {
		name, text string
		want       map[string]string
		wantErr    string
	}{
		{"none", " ", map[string]string{}, ""},
		{"two", "A=b C=d", map[string]string{"A": "b", "C": "d"}, ""},
		{"quoted", `A="b c"  D="e \"f\" \\"`, map[string]string{"A": "b c", "D": `e "f" \`}, ""},
		{"empty", `A= B=""`, map[string]string{"A": "", "B": ""}, ""},
		{"of a URL", "Origins=https://a.example.com,http://localhost:3000", map[string]string{"Origins": "https://a.example.com,http://localhost:3000"}, ""},
		{"no value", "A=b C", nil, `"C" is not of the form Name=value`},
		{"an open quote", `A="b`, nil, `not of the form`},
		{"twice", "A=b A=c", nil, "A is given twice"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := parseOverrides(test.text)
			if test.wantErr != "" {
				if err == nil || !strings.Contains(err.Error(), test.wantErr) {
					t.Errorf("error is %v, want %q in it", err, test.wantErr)
				}
				return
			}
			if err != nil || !maps.Equal(got, test.want) {
				t.Errorf("got %q and %v, want %q", got, err, test.want)
			}
			if again, err := parseOverrides(formatOverrides(got)); err != nil || !maps.Equal(again, got) {
				t.Errorf("formatted as %s it is read as %q and %v", formatOverrides(got), again, err)
			}
		})
	}
}

// What is kept is what SAM reads, each stack and region under its own name, and what others have put there stays.
func TestConfigFile(t *testing.T) {
	name := filepath.Join(t.TempDir(), settingsFile)
	if err := os.WriteFile(name, []byte("version = 0.1\n[mine.deploy.parameters]\nprofile = \"work\"\n[aoai-two-eu-west-1.deploy.parameters]\ntags = \"team=a\"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, s := range []settings{
		{"aoai-two", "eu-west-1", map[string]string{"CorsOrigins": `https://a "b"`}},
		{"aoai-two", "us-east-1", map[string]string{}},
		{"aoai-bridge", "us-east-1", nil},
	} {
		f, err := readConfigFile(name)
		if err != nil {
			t.Fatal(err)
		}
		f.put(s)
		if err := f.write(name); err != nil {
			t.Fatal(err)
		}
	}
	f, err := readConfigFile(name)
	if err != nil {
		t.Fatal(err)
	}
	two := settings{stack: "aoai-two", region: "eu-west-1"}
	if kept, err := f.overrides(two); err != nil || kept["CorsOrigins"] != `https://a "b"` {
		t.Errorf("kept %q, %v", kept, err)
	}
	deploy := f.parameters(two.environment(), "deploy")
	if deploy["s3_prefix"] != "aoai-two" || deploy["tags"] != "team=a" || f.parameters("mine", "deploy")["profile"] != "work" {
		t.Errorf("file is %v", f)
	}
	if got := strings.Join(f.regions("aoai-two"), " "); got != "eu-west-1 us-east-1" {
		t.Errorf("aoai-two is in %s", got)
	}
	if got := f.regions("aoai"); len(got) > 0 {
		t.Errorf("aoai is in %s", got)
	}
}

func TestBrokenConfigFile(t *testing.T) {
	name := filepath.Join(t.TempDir(), settingsFile)
	if err := os.WriteFile(name, []byte("[a\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := readConfigFile(name); err == nil || !strings.Contains(err.Error(), "mend it, or delete it") {
		t.Errorf("error is %v", err)
	}
}
