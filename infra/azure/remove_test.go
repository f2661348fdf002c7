package main

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"aoai-bridge/infra/local/arm"
)

var removal = []string{"-name", "my-aoai", "-remove"}

func TestRemove(t *testing.T) {
	w := newWorld(t)
	w.secrets.Put(secretID, `{"resources":[{"name":"other","endpoint":"https://other.example","api_key":"k"}],"prices":{}}`)
	w.make(fresh...)
	w.changes()
	out := w.make(removal...)
	want := []string{
		"DELETE Deployments_delete gpt-5.4-mini", "DELETE Deployments_delete gpt-5.4-mini-batch", "DELETE Deployments_delete text-embedding-3-small",
		"DELETE Accounts_delete my-aoai", "DELETE DeletedAccounts_purge my-aoai", "DELETE ResourceGroups_delete my-aoai",
	}
	if got := w.changes(); !slices.Equal(got, want) {
		t.Errorf("asked for %q, want %q; printed\n%s", got, want, out)
	}
	if text, _ := w.secrets.Get(secretID); text != `{"resources":[{"name":"other","endpoint":"https://other.example","api_key":"k"}],"prices":{}}` {
		t.Errorf("the secret is %s", text)
	}
	if len(w.plane.accounts) != 0 {
		t.Errorf("served is %v", w.plane.accounts)
	}
	if !strings.HasSuffix(out, "  done\nFunctions that run read the secret again within 5 minutes.\n") {
		t.Errorf("the end is\n%s", out)
	}
	if out = w.make(removal...); !strings.HasSuffix(out, "nothing to do\n") || w.changes() != nil {
		t.Errorf("the second run says\n%s", out)
	}
}

// Whichever step fails, before or after it took effect, another run takes away the rest.
func TestRemoveFailsAtEachStep(t *testing.T) {
	for step := range 6 {
		for _, lost := range []bool{false, true} {
			t.Run(fmt.Sprintf("step %d, lost %t", step+1, lost), func(t *testing.T) {
				w := newWorld(t)
				w.make(fresh...)
				w.arm.AddRule(arm.Rule{Skip: step, Count: -1, Lost: lost, Refusal: arm.Refusal{Status: http.StatusInternalServerError, Code: "InternalServerError"}})
				if out, err := w.run("", append(removal, "-yes")...); err == nil && !lost { // a retry of what took effect finds it gone
					t.Fatalf("no error; printed\n%s", out)
				}
				w.arm.ClearRules()
				w.make(removal...)
				if got := w.state(); got != `{"accounts":{},"secret":"{\"resources\":[]}"}` {
					t.Errorf("the end is %s", got)
				}
				w.make(fresh...) // the name is free
			})
		}
	}
}

// A resource that is kept for 48 hours is purged where it was, also without the group that it was made in.
func TestPurgeLater(t *testing.T) {
	w := newWorld(t)
	w.make(append(fresh, "-group", "ours")...)
	if out, err := w.run("y\nn\n", append(removal, "-group", "ours")...); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	w.changes()
	w.make(removal...)
	if got := w.changes(); !slices.Equal(got, []string{"DELETE DeletedAccounts_purge my-aoai"}) {
		t.Errorf("asked for %q", got)
	}
	if out := w.make(removal...); !strings.HasSuffix(out, "nothing to do\n") {
		t.Errorf("it is still there:\n%s", out)
	}
}

// What was not made by the command is never deleted, nor is a group that has something else in it.
func TestRemoveSpares(t *testing.T) {
	t.Run("a resource of somebody else's", func(t *testing.T) {
		w := newWorld(t)
		w.arm.Seed("theirs", "eastus2", "OpenAI", "https://theirs.example", arm.Account{Name: "theirs"})
		_, err := w.run("", "-name", "theirs", "-remove", "-yes")
		if err == nil || !strings.Contains(err.Error(), "does not carry the tag aoai-bridge") || w.changes() != nil {
			t.Errorf("error %v", err)
		}
	})
	t.Run("a group with another resource in it", func(t *testing.T) {
		w := newWorld(t)
		w.make(fresh...)
		w.make("-name", "second", "-group", "my-aoai", "-location", "eastus2", "-deployments", w.writeFile(`[{"model":"gpt-4o"}]`))
		out := w.make(removal...)
		if !strings.Contains(out, "resource group my-aoai, which stays: second is in it") || w.deployments("second") == "" {
			t.Errorf("printed\n%s", out)
		}
	})
	t.Run("a group of somebody else's", func(t *testing.T) {
		w := newWorld(t)
		w.arm.Seed("theirs", "eastus2", "OpenAI", "https://theirs.example", arm.Account{Name: "theirs"})
		w.make("-name", "my-aoai", "-group", "theirs")
		w.changes()
		w.make("-name", "my-aoai", "-group", "theirs", "-remove")
		if got := w.changes(); slices.Contains(got, "DELETE ResourceGroups_delete theirs") || len(got) != 5 {
			t.Errorf("asked for %q", got)
		}
	})
}

// A resource that was deleted and not purged comes back, or is replaced, as the person says.
func TestMadeAgain(t *testing.T) {
	tests := []struct {
		name    string
		answers string
		args    []string
		back    bool // with the key that it had
		asked   bool
		want    string // in the error, "" for none
	}{
		{"restored by option", "", append(fresh, "-yes", "-restore"), true, false, ""},
		{"purged by option", "", append(fresh, "-yes", "-purge"), false, false, ""},
		{"restored when asked", "restore\ny\n", fresh, true, true, ""},
		{"purged when asked", "purge\ny\n", fresh, false, true, ""},
		{"neither", "\n", fresh, false, true, "nothing was changed"},
		{"not said", "", append(fresh, "-yes"), false, false, "add RESTORE=1"},
		{"in another region", "", []string{"-name", "my-aoai", "-location", "swedencentral", "-restore", "-yes"}, false, false, "add PURGE=1 to have it gone for good, or GROUP=my-aoai LOCATION=eastus2 RESTORE=1"},
		{"in another region, purged", "", []string{"-name", "my-aoai", "-location", "swedencentral", "-purge", "-yes"}, false, false, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t)
			w.make(fresh...)
			key := w.secret().Resources[0].APIKey
			if out, err := w.run("y\nn\n", removal...); err != nil || !strings.Contains(out, "Purge the resource") {
				t.Fatalf("error %v, printed\n%s", err, out)
			}
			out, err := w.run(test.answers, test.args...)
			if strings.Contains(out, "restore or purge?") != test.asked {
				t.Errorf("printed\n%s", out)
			}
			if test.want != "" {
				if err == nil || !strings.Contains(err.Error(), test.want) {
					t.Errorf("error %v, want %q in it", err, test.want)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			r := w.secret().Resources[0]
			if (r.APIKey == key) != test.back || r.APIKey != w.plane.accounts["my-aoai"].Keys[0] || len(r.Deployments) != 3 {
				t.Errorf("the secret has %+v", r)
			}
			w.changes()
			if out := w.make("-name", "my-aoai"); !strings.Contains(out, "nothing to do") || w.changes() != nil {
				t.Errorf("the next run says\n%s", out)
			}
		})
	}
}
