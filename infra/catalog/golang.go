package main

import (
	"bytes"
	"fmt"
	"go/format"
	"reflect"
	"slices"
	"strings"

	"aoai-bridge/shared/catalog"
)

// tables is what shared/catalog has under the same names.
type tables struct {
	Aliases map[string]string
	Models  []*catalog.Model
	Missing map[catalog.DeploymentType]string
	PTUs    []*catalog.PTU
	Images  []*catalog.Images
	Quotas  []*catalog.Quota
	Sources map[string]catalog.Source
}

// source is rows.go.
func source(all *tables, prices []catalog.Price) ([]byte, error) {
	var b bytes.Buffer
	b.WriteString("// Code generated from sources and corrections.json by go generate. DO NOT EDIT.\n\npackage catalog\n\nfunc rows() *tables {\n\treturn ")
	write(&b, reflect.ValueOf(all), "")
	b.WriteString("\n}\n\n// prices are sorted by model. Nothing in them is computed, so that the compiler lays them out.\nvar prices = ")
	write(&b, reflect.ValueOf(prices), "")
	b.WriteByte('\n')
	return format.Source(b.Bytes())
}

// write writes a value as Go does. The type goes without saying where v is an element of that type, and
// always that of a rate.
func write(b *bytes.Buffer, v reflect.Value, implied string) {
	name := strings.NewReplacer("catalog.", "", "main.", "").Replace(v.Type().String())
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
	if rate, ok := v.Interface().(catalog.Rate); ok {
		fmt.Fprintf(b, "Rate{%v, true}", rate.USD)
		return
	}
	if implied != name {
		b.WriteString(name)
	}
	b.WriteByte('{')
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			if field := v.Type().Field(i); field.IsExported() && !v.Field(i).IsZero() {
				b.WriteString(field.Name + ": ")
				write(b, v.Field(i), "")
				b.WriteString(", ")
			}
		}
	case reflect.Slice:
		apart := "\n" // rows have a line each, words share one
		if v.Type().Elem().Kind() == reflect.String {
			apart = ""
		}
		for i := range v.Len() {
			b.WriteString(apart)
			write(b, v.Index(i), strings.TrimPrefix(name, "[]"))
			b.WriteByte(',')
		}
		b.WriteString(apart)
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
