package main

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"os"
	"path"
	"strconv"
	"strings"
)

// requestsFile is a JSONL file of chat requests, of about so many bytes. What they say is cut from this
// repository's own text, prose and code, so that a tokenizer meets more than the same few words; what the
// system says is the same in all, as in most files.
func requestsFile(size int) ([]byte, error) {
	text, err := repositoryText()
	if err != nil {
		return nil, err
	}
	quoted := func(s string) []byte {
		b, _ := json.Marshal(strings.ToValidUTF8(s, "")) // a string always marshals
		return b
	}
	const longest, more = 3000, 4 << 10
	system := quoted(text[:400])
	file := bytes.NewBuffer(make([]byte, 0, size+more))
	for i := 0; file.Len() < size; i++ {
		at := i * 7919 % (len(text) - longest)
		file.WriteString(`{"custom_id":"request-` + strconv.Itoa(i) + `","method":"POST","url":"/v1/chat/completions",` +
			`"body":{"model":"gpt-4o","max_tokens":300,"messages":[{"role":"system","content":`)
		file.Write(system)
		file.WriteString(`},{"role":"user","content":`)
		file.Write(quoted(text[at : at+200+i*31%(longest-200)]))
		file.WriteString("}]}}\n")
	}
	return file.Bytes(), nil
}

// repositoryText is the README and the Go files of shared.
func repositoryText() (string, error) {
	var text strings.Builder
	root := os.DirFS(".")
	add := func(name string) error {
		content, err := fs.ReadFile(root, name)
		text.Write(content)
		return err
	}
	if err := add("README.md"); err != nil {
		return "", err
	}
	err := fs.WalkDir(root, "shared", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || path.Ext(name) != ".go" {
			return err
		}
		return add(name)
	})
	return text.String(), err
}
