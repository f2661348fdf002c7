package catalog

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"go/format"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite rows.go from data/*.json")

// readData reads the files that rows.go is made from.
func readData(t *testing.T) *tables {
	t.Helper()
	all := new(tables)
	for name, into := range map[string]any{
		"models": all, "prices": all, "ptu": all, "images": all, "quotas": all, "sources": &all.Sources,
	} {
		file, err := os.ReadFile("data/" + name + ".json")
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(file, into); err != nil {
			t.Fatalf("%s.json: %v", name, err)
		}
	}
	return all
}

func TestRowsAreTheData(t *testing.T) {
	all := readData(t)
	var b bytes.Buffer
	b.WriteString("// Code generated from data/*.json by go generate. DO NOT EDIT.\n\npackage catalog\n\nfunc rows() *tables {\n\treturn ")
	write(&b, reflect.ValueOf(all), "")
	b.WriteString("\n}\n")
	source, err := format.Source(b.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile("rows.go", source, 0o644); err != nil {
			t.Fatal(err)
		}
		return // rows is still the old one
	}
	if file, err := os.ReadFile("rows.go"); err != nil || !bytes.Equal(file, source) {
		t.Errorf("rows.go is not what data/*.json says: run go generate ./shared/catalog (%v)", err)
	}
	if !reflect.DeepEqual(rows(), all) {
		t.Error("rows() is not what data/*.json says: run go generate ./shared/catalog")
	}
}

// write writes a value as Go does. The type goes without saying where v is an element of that type.
func write(b *bytes.Buffer, v reflect.Value, implied string) {
	name := strings.ReplaceAll(v.Type().String(), "catalog.", "")
	switch v.Kind() {
	case reflect.Pointer:
		if v.Elem().Kind() != reflect.Struct {
			format := "new(%#v)"
			if name == "*int64" || name == "*float64" {
				format = "new(" + name[1:] + "(%#v))"
			}
			fmt.Fprintf(b, format, v.Elem())
			return
		}
		if implied != name {
			b.WriteByte('&')
		} else {
			implied = name[1:]
		}
		write(b, v.Elem(), implied)
		return
	case reflect.Struct, reflect.Slice, reflect.Map:
	default:
		fmt.Fprintf(b, "%#v", v)
		return
	}
	if implied != name {
		b.WriteString(name)
	}
	b.WriteByte('{')
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			if !v.Field(i).IsZero() {
				b.WriteString(v.Type().Field(i).Name + ": ")
				write(b, v.Field(i), "")
				b.WriteString(", ")
			}
		}
	case reflect.Slice:
		for i := range v.Len() {
			b.WriteByte('\n')
			write(b, v.Index(i), strings.TrimPrefix(name, "[]"))
			b.WriteByte(',')
		}
		b.WriteByte('\n')
	case reflect.Map:
		keys := slices.SortedFunc(slices.Values(v.MapKeys()), func(a, b reflect.Value) int { return strings.Compare(a.String(), b.String()) })
		for _, key := range keys {
			fmt.Fprintf(b, "\n%q: ", key)
			write(b, v.MapIndex(key), name[strings.IndexByte(name, ']')+1:])
			b.WriteByte(',')
		}
		b.WriteByte('\n')
	}
	b.WriteByte('}')
}
