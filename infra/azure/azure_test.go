package main

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"aoai-bridge/infra/local/arm"
)

var fresh = []string{"-name", "my-aoai", "-location", "eastus2"}

func TestFresh(t *testing.T) {
	w := newWorld(t)
	out := w.make(fresh...)
	want := []string{
		"PUT ResourceGroups_createOrUpdate my-aoai", "PUT Accounts_create my-aoai", "PUT Deployments_createOrUpdate gpt-5.4-mini",
		"PUT Deployments_createOrUpdate text-embedding-3-small", "PUT Deployments_createOrUpdate gpt-5.4-mini-batch",
	}
	if got := w.changes(); !slices.Equal(got, want) {
		t.Errorf("asked for %q, want %q", got, want)
	}
	account := w.plane.accounts["my-aoai"]
	for _, d := range account.Deployments {
		if d.Capacity != 50 {
			t.Errorf("%s has the capacity %d", d.Name, d.Capacity)
		}
	}
	r := w.secret().Resources[0]
	if r.Name != "my-aoai" || r.Endpoint != "https://my-aoai.openai.azure.com" || r.APIKey != account.Keys[0] || len(r.Deployments) != 3 || r.Deployments[2].Type != "GlobalBatch" {
		t.Errorf("the secret has %+v", r)
	}
	if strings.Contains(out, r.APIKey) {
		t.Error("the key is shown")
	}
	if !strings.Contains(out, "+ make the deployment gpt-5.4-mini: gpt-5.4-mini 2026-03-17, GlobalStandard, capacity 50 (250 of 250 left)") {
		t.Errorf("the plan is\n%s", out)
	}
	if !strings.HasSuffix(out, "\nThe stack comes next: make deploy. Functions that run read the secret again within 5 minutes.\n") {
		t.Errorf("the end is\n%s", out)
	}

	before := w.secrets.Calls("PutSecretValue")
	if out = w.make(fresh...); !strings.HasSuffix(out, "nothing to do\n") {
		t.Errorf("the second run says\n%s", out)
	}
	if got := w.changes(); got != nil || w.secrets.Calls("PutSecretValue") != before {
		t.Errorf("the second run asked for %q", got)
	}
}

func TestNotConfirmed(t *testing.T) {
	for _, answer := range []string{"", "n\n", "\n", "what?\n"} {
		w := newWorld(t)
		if out, err := w.run(answer, fresh...); err == nil || !strings.Contains(out, "Do this? [y/N]") {
			t.Errorf("%q: error %v, printed\n%s", answer, err, out)
		}
		if got := w.changes(); got != nil {
			t.Errorf("%q: asked for %q", answer, got)
		}
	}
	w := newWorld(t)
	if out, err := w.run("y\n", fresh...); err != nil || w.changes() == nil {
		t.Errorf("error %v, printed\n%s", err, out)
	}
}

// Whichever step fails, before or after it took effect, another run ends where a run without a failure ends.
func TestFailureAtEachStep(t *testing.T) {
	undisturbed := newWorld(t)
	undisturbed.make(fresh...)
	want := undisturbed.state()
	steps := len(undisturbed.changes())
	for step := range steps {
		for _, lost := range []bool{false, true} {
			t.Run(fmt.Sprintf("step %d, lost %t", step+1, lost), func(t *testing.T) {
				w := newWorld(t)
				w.arm.AddRule(arm.Rule{Skip: step, Count: -1, Lost: lost,
					Refusal: arm.Refusal{Status: http.StatusInternalServerError, Code: "InternalServerError", Message: "Encountered internal server error."}})
				out, err := w.run("", append(fresh, "-yes")...)
				if err == nil || !strings.Contains(err.Error(), "run this again") {
					t.Fatalf("error %v, printed\n%s", err, out)
				}
				w.arm.ClearRules()
				w.make(fresh...)
				if got := w.state(); got != want {
					t.Errorf("the end is\n%s, want\n%s", got, want)
				}
				w.changes()
				if out := w.make(fresh...); !strings.HasSuffix(out, "nothing to do\n") || w.changes() != nil {
					t.Errorf("the run after that says\n%s", out)
				}
			})
		}
	}
	t.Run("the secret", func(t *testing.T) {
		w := newWorld(t)
		w.plane.served = func(a arm.Account) {
			if len(a.Deployments) == 3 {
				w.secrets.FailNext(-1) // from now on: the plan has read it
			}
		}
		if _, err := w.run("", append(fresh, "-yes")...); err == nil {
			t.Fatal("no error")
		}
		w.plane.served = nil
		w.secrets.FailNext(0)
		w.make(fresh...)
		if got := w.state(); got != want {
			t.Errorf("the end is\n%s, want\n%s", got, want)
		}
	})
}

// A resource that somebody else has made gets deployments and an entry in the secret, and nothing else.
func TestResourceOfSomebodyElse(t *testing.T) {
	w := newWorld(t)
	w.arm.Seed("Theirs", "swedencentral", "OpenAI", "https://theirs.openai.azure.com/", arm.Account{Name: "Theirs_1",
		Keys: []string{"key"}, Deployments: []arm.Deployment{{Name: "old", Model: "gpt-4o", Version: "2024-11-20", Type: "Standard", Capacity: 10}}})
	w.make("-name", "Theirs_1", "-group", "Theirs", "-deployments", w.writeFile(`[{"name": "new", "model": "gpt-5.4-mini"}]`))
	if got, want := w.changes(), []string{"PUT Deployments_createOrUpdate new"}; !slices.Equal(got, want) {
		t.Errorf("asked for %q, want %q", got, want)
	}
	if r := w.secret().Resources[0]; r.Name != "Theirs_1" || r.APIKey != "key" || len(r.Deployments) != 2 {
		t.Errorf("the secret has %+v", r)
	}
}

// A new subscription has the provider registered first, if the person agrees.
func TestNewSubscription(t *testing.T) {
	for _, agreed := range []bool{true, false} {
		w := newWorld(t)
		w.arm.Seed("my-aoai", "eastus2", "OpenAI", "https://other.example", arm.Account{Name: "other"}) // the group is there
		w.arm.Unregister("Microsoft.CognitiveServices")
		w.arm.Unregister("Microsoft.ManagedIdentity")
		answers := "y\ny\n"
		if !agreed {
			answers = "n\n"
		}
		out, err := w.run(answers, federation...)
		if (err == nil) != agreed || !strings.Contains(out, "has not registered Microsoft.CognitiveServices and Microsoft.ManagedIdentity") {
			t.Errorf("error %v, printed\n%s", err, out)
		}
		if got := w.changes(); agreed && (len(got) != 12 || got[0] != "POST Providers_register register") || !agreed && got != nil {
			t.Errorf("asked for %q", got)
		}
	}
}

// A command that gets no answer says how to go on without a question.
func TestNotAgreed(t *testing.T) {
	for answer, want := range map[string]string{
		"":    "nothing was changed: there is a question to answer, and no terminal; YES=1 goes on without it",
		"n\n": "nothing was changed",
	} {
		w := newWorld(t)
		if _, err := w.run(answer, fresh...); err == nil || err.Error() != want || w.changes() != nil {
			t.Errorf("answered with %q: error %v, want %s", answer, err, want)
		}
	}
}
