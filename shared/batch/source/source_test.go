package source_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"unicode/utf16"

	"aoai-bridge/infra/local/testaws"
	"aoai-bridge/shared/batch/source"
	s3bucket "aoai-bridge/shared/bucket"
)

const (
	bucket = "aoai-bridge-batch"
	line   = `{"custom_id":"é","method":"POST","url":"/v1/responses","body":{"model":"m","input":"a, b"}}` + "\n"
)

func compress(t *testing.T, text string) string {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func asUTF16(order binary.ByteOrder, text string) string {
	b := make([]byte, 0, 2*len(text))
	for _, unit := range utf16.Encode([]rune(text)) {
		b = append(b, 0, 0)
		order.PutUint16(b[len(b)-2:], unit)
	}
	return string(b)
}

// What is no text of JSON lines is named, and there is a remedy.
func TestFormats(t *testing.T) {
	whole := compress(t, strings.Repeat(line, 100))
	for _, tt := range []struct{ name, file, is string }{
		{"JSONL", line + line, ""},
		{"with a byte order mark", "\ufeff" + line, ""},
		{"after blank lines", "\r\n \n" + line, ""},
		{"nothing", "", ""},
		{"blank lines", "\n\n", ""},
		{"a bad line first", "custom_id,method\n" + line, ""},
		{"a line in another encoding first", "\xfcber, und\n" + line, ""},
		{"an array in a line", "[1,2]\n" + line, ""},
		{"a torn array first", "[{\"custom_id\":\n" + line, ""},
		{"arrays in all lines", "[1,2]\n[3,4]\n", ""},
		{"one bad line", "not JSON, not at all", ""},
		{"a torn object", `{"custom_id":"a",` + "\n" + `"b":1`, ""},
		{"text without a delimiter", "hello\nworld\n", ""},
		{"objects after record separators", "\x1e" + line + "\x1e" + line, ""},
		{"events", "data: " + line + "data: " + line, ""},
		{"Latin-1 with tabs", "{\"a\":\t\"\xfcber\"}\n", ""},

		{"UTF-16 with a mark", "\xff\xfe" + asUTF16(binary.LittleEndian, line), "UTF-16 text"},
		{"UTF-16 with a mark, big-endian", "\xfe\xff" + asUTF16(binary.BigEndian, line), "UTF-16 text"},
		{"UTF-16", asUTF16(binary.LittleEndian, line), "UTF-16 text"},
		{"UTF-16, big-endian", asUTF16(binary.BigEndian, line), "UTF-16 text"},
		{"UTF-16 after a blank line", asUTF16(binary.LittleEndian, "\r\n"+line), "UTF-16 text"},
		{"UTF-32 with a mark", "\xff\xfe\x00\x00{\x00\x00\x00", "UTF-32 text"},
		{"UTF-32", "{\x00\x00\x00\"\x00\x00\x00", "UTF-32 text"},
		{"ZIP", "PK\x03\x04\x14\x00", "a ZIP archive"},
		{"Parquet", "PAR1\x15\x04", "a Parquet file"},
		{"ORC", "ORC\x11", "an ORC file"},
		{"Avro", "Obj\x01\x04", "an Avro file"},
		{"zstd", "\x28\xb5\x2f\xfd\x04", "compressed with zstd"},
		{"bzip2", "BZh91AY", "compressed with bzip2"},
		{"xz", "\xfd7zXZ\x00\x00", "compressed with xz"},
		{"tar", "a.jsonl" + strings.Repeat("\x00", 250) + "ustar\x00" + strings.Repeat("\x00", 250), "a tar archive"},
		{"PDF", "%PDF-1.7\n", "a PDF document"},
		{"HTML", "\n<!DOCTYPE html>\n<p>no</p>", "XML or HTML"},
		{"an array in one line", "[" + strings.TrimSpace(line) + "," + strings.TrimSpace(line) + "]", "a JSON array"},
		{"an array over several lines", "\ufeff[\n" + strings.TrimSpace(line) + ",\n" + line + "]\n", "a JSON array"},
		{"an array that begins in the first line", "[" + strings.TrimSpace(line) + ",\n" + strings.TrimSpace(line) + "]", "a JSON array"},
		{"a pretty array", "[\n  {\n    \"custom_id\": 1\n  }\n]", "a JSON array"},
		{"a large array", "[" + strings.Repeat(strings.TrimSpace(line)+",", 2000) + "{}]", "a JSON array"},
		{"CSV", "custom_id,method,url,body\n1,POST,/v1/responses,\"{\"\"model\"\":1}\"\n", "CSV by its first line"},
		{"CSV with semicolons", "a;b\r\n1;2\r\n", "CSV by its first line"},
		{"text that looks like CSV", "Dear private person,\nas you know, this is private\n", "CSV by its first line"},
		{"tab-separated values", "a\tb\n1\t2\n", "CSV by its first line"},
		{"CSV of one column of JSON", "\"{\"\"a\"\": 1, \"\"b\"\": 2}\"\n\"{\"\"a\"\": 1, \"\"b\"\": 2}\"\n", "CSV by its first line"},
		{"an image", "\x89PNG\r\n\x1a\n", "binary"},
		{"noise in which lines begin as objects do", "\x9b\x01\xf0\n{\xff\x02\n{\xe1\x1f\n", "binary"},
		{"binary", "\x7fELF\x02\x01\x01\x00\x00", "binary"},

		{"gzip", whole, ""},
		{"gzip of nothing", compress(t, ""), ""},
		{"gzip of several members", compress(t, line) + compress(t, "") + compress(t, line), ""},
		{"gzip of a ZIP archive", compress(t, "PK\x03\x04\x14\x00"), "a ZIP archive"},
		{"gzip of UTF-16", compress(t, "\xff\xfe"+asUTF16(binary.LittleEndian, line)), "UTF-16 text"},
		{"gzip of a tar archive", compress(t, "a"+strings.Repeat("\x00", 256)+"ustar\x00"), "a tar archive"},
		{"gzip of gzip", compress(t, whole), "gzip within gzip"},
		{"gzip that breaks off", whole[:len(whole)/2], "damaged or incomplete (unexpected EOF)"},
		{"gzip without its end", whole[:len(whole)-3], "damaged or incomplete (unexpected EOF)"},
		{"gzip with a wrong sum", whole[:len(whole)-8] + "\x00\x00\x00\x00" + whole[len(whole)-4:], "damaged or incomplete (gzip: invalid checksum)"},
		{"gzip with something after it", whole + "something that is no member", "damaged or incomplete (gzip: invalid header)"},
		{"two bytes of gzip", "\x1f\x8b", "damaged or incomplete"},
		{"gzip of zeros", compress(t, `{"a":"`+strings.Repeat("\x00", 8<<20)), "expands to more than 200 times"},
		{"gzip of one line, over and over", compress(t, strings.Repeat(`{"a":"`+strings.Repeat("a", 8<<10)+`"}`+"\n", 2<<10)), "expands to more than 200 times"},
		{"as much of few bytes", compress(t, strings.Repeat(line, 1<<20/len(line))), ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			text, err := source.Plain(strings.NewReader(tt.file))
			var got []byte
			if err == nil {
				got, err = io.ReadAll(text)
			}
			if tt.is == "" {
				if err != nil || tt.file[:min(2, len(tt.file))] != "\x1f\x8b" && string(got) != tt.file {
					t.Errorf("got %d bytes of %d, %v", len(got), len(tt.file), err)
				}
				return
			}
			bad, ok := errors.AsType[*source.FormatError](err)
			if !ok || !strings.Contains(bad.Message, tt.is) || bad.Code == "" || strings.Count(bad.Message, ". ") < 1 || !strings.HasSuffix(bad.Message, ".") {
				t.Errorf("got %+v, want %s and a remedy", err, tt.is)
			} else if strings.Contains(bad.Message, "custom_id") || strings.Contains(bad.Message, "private") {
				t.Errorf("the message quotes the file: %s", bad.Message)
			}
		})
	}
}

func open(t *testing.T, a *testaws.AWS, key string, offset int64) (string, error) {
	t.Helper()
	text := source.Open(s3bucket.New(a.Config, bucket).OpenVersion(context.Background(), key, "", "", 0), offset)
	defer text.Close()
	got, err := io.ReadAll(text)
	return string(got), err
}

// Reading goes on from any offset of the text, compressed or not, whatever the file is called.
func TestOffsets(t *testing.T) {
	text := strings.Repeat(line, 2000)
	members := compress(t, text[:700]) + compress(t, text[700:])
	a := testaws.New(t, bucket)
	a.Put("plain.jsonl.gz", text)
	a.Put("gzip.jsonl", members)
	for _, key := range []string{"plain.jsonl.gz", "gzip.jsonl"} {
		for _, offset := range []int{0, 1, 699, 700, 65536, len(text) - 1, len(text)} {
			if got, err := open(t, a, key, int64(offset)); err != nil || got != text[offset:] {
				t.Errorf("%s from %d on: got %d bytes, %v", key, offset, len(got), err)
			}
		}
		if _, err := open(t, a, key, int64(len(text))+1); !errors.Is(err, s3bucket.ErrBeyondEnd) {
			t.Errorf("%s from beyond its end: %v", key, err)
		}
	}
}

// A download that breaks off is no damaged file.
func TestDownloadFails(t *testing.T) {
	a := testaws.New(t, bucket)
	a.Put("a", compress(t, line))
	a.Refuses = func(r *http.Request) bool { return r.Method == http.MethodGet }
	if _, err := open(t, a, "a", 0); s3bucket.Status(err) != http.StatusForbidden {
		t.Errorf("got %v", err)
	}
}
