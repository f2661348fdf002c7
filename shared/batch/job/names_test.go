package job

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestResultName(t *testing.T) {
	for key, want := range map[string]string{
		"inbox/a.jsonl": "a", "inbox/a.JSONL": "a", "inbox/a.jsonl.gz": "a", "inbox/a.Jsonl.GZ": "a", "inbox/a.json": "a.json", "inbox/a.gz": "a.gz",
		"inbox/a.jsonl.jsonl": "a.jsonl", "inbox/deep/a.jsonl": "deep/a", "other/a.jsonl": "other/a", "inbox/inbox/a.jsonl": "inbox/a", "jsonl": "jsonl",
		"inbox/" + strings.Repeat("x", 888) + ".jsonl": strings.Repeat("x", 888),
	} {
		if name := ResultName(key); name != want {
			t.Errorf("%s: got %s", key, name)
		}
	}
}

// Whatever the key, what is made of its name fits into S3, and no two keys have one name.
func TestNamesOfLongKeys(t *testing.T) {
	seen := map[string]string{}
	for size := maxPlainKey - 10; size <= 1024; size++ {
		for _, letter := range []string{"x", "ü", "日", "😀"} {
			for _, end := range []string{"", ".jsonl", ".jsonl.gz"} {
				room := size - len("inbox/") - len(end)
				key := "inbox/" + strings.Repeat(letter, room/len(letter)) + strings.Repeat("y", room%len(letter)) + end
				name := ResultName(key)
				if other, twice := seen[name]; twice && Shortened(key) {
					t.Fatalf("%q and %q have one name", key, other)
				}
				seen[name] = key
				if !utf8.ValidString(name) {
					t.Fatalf("%q has half a letter", name)
				}
				j := Job{ID: "job_" + strings.Repeat("0", 24), Key: key, Origin: OriginAPI}
				j.NameOutputs(name + "." + j.ID)
				j.Origin = OriginDrop
				for _, made := range []string{j.Results, j.Errors, j.Summary, NameKey(name), j.StatusKey(), j.FailedKey()} {
					if len(made) > 1024 {
						t.Fatalf("%q has %d bytes", made, len(made))
					}
				}
			}
		}
	}
}
