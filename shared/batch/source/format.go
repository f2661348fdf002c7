package source

import (
	"bytes"
	"encoding/json"
	"fmt"
	"unicode/utf8"
)

// The codes of a FormatError.
const (
	codeFormat   = "invalid_file_format"
	codeGzip     = "invalid_gzip"
	codeTooLarge = "file_too_large"
)

// FormatError is why a file cannot be read as lines of requests. The message says what the file is and what to do. It
// quotes nothing of the file, which may be anything: messages reach logs and the states of workflows.
type FormatError struct{ Code, Message string }

func (e *FormatError) Error() string { return e.Message }

const (
	asUTF8     = "Save it as UTF-8, for example with iconv -f %s -t UTF-8 FILE."
	asGzip     = "Of compressed files only gzip is read: put it there decompressed, or compress it with gzip."
	asUnpacked = "Unpack it, and put each JSONL file there by itself, plain or compressed with gzip."
	asLines    = "Write each request as a JSON object on a line of its own."
	asExport   = "Export the rows as JSONL: " + asLines
)

// formats are files that begin with certain bytes. Where one beginning is another's, the longer one comes first.
var formats = []struct{ start, is, remedy string }{
	{"\xff\xfe\x00\x00", "UTF-32 text", fmt.Sprintf(asUTF8, "UTF-32")},
	{"\x00\x00\xfe\xff", "UTF-32 text", fmt.Sprintf(asUTF8, "UTF-32")},
	{"\xff\xfe", "UTF-16 text", fmt.Sprintf(asUTF8, "UTF-16")},
	{"\xfe\xff", "UTF-16 text", fmt.Sprintf(asUTF8, "UTF-16")},
	{"\x1f\x8b", "gzip within gzip", "Compress it once only."},
	{"PK\x03\x04", "a ZIP archive or an Office document", asUnpacked},
	{"PK\x05\x06", "an empty ZIP archive", asUnpacked},
	{"7z\xbc\xaf\x27\x1c", "a 7z archive", asUnpacked},
	{"Rar!\x1a\x07", "a RAR archive", asUnpacked},
	{"PAR1", "a Parquet file", asExport},
	{"PARE", "an encrypted Parquet file", asExport},
	{"ORC", "an ORC file", asExport},
	{"Obj\x01", "an Avro file", asExport},
	{"SEQ\x06", "a Hadoop sequence file", asExport},
	{"ARROW1", "an Arrow file", asExport},
	{"SQLite format 3\x00", "an SQLite database", asExport},
	{"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an Office document", asExport},
	{"\x28\xb5\x2f\xfd", "compressed with zstd", asGzip},
	{"BZh", "compressed with bzip2", asGzip},
	{"\xfd7zXZ\x00", "compressed with xz", asGzip},
	{"\x04\x22\x4d\x18", "compressed with lz4", asGzip},
	{"\xff\x06\x00\x00sNaPpY", "compressed with snappy", asGzip},
	{"\x1f\x9d", "compressed with compress", asGzip},
	{"%PDF-", "a PDF document", asLines},
}

// check recognises a file by its head, which is the whole of a short file. It returns nil for what may be JSONL.
func check(head []byte) error {
	is, remedy := recogniseBytes(head)
	if is == "" {
		is, remedy = recogniseText(bytes.TrimPrefix(head, []byte("\xef\xbb\xbf")), len(head) < headSize)
	}
	if is == "" {
		return nil
	}
	return &FormatError{codeFormat, fmt.Sprintf("The file is %s. %s", is, remedy)}
}

func recogniseBytes(head []byte) (is, remedy string) {
	for _, f := range formats {
		if bytes.HasPrefix(head, []byte(f.start)) {
			return f.is, f.remedy
		}
	}
	if len(head) > 262 && string(head[257:262]) == "ustar" {
		return "a tar archive", asUnpacked
	}
	// Without a byte order mark: what a file of JSON begins with is ASCII, and so every other byte is 0.
	if len(head) >= 4 {
		switch zeros := [4]bool{head[0] == 0, head[1] == 0, head[2] == 0, head[3] == 0}; zeros {
		case [4]bool{false, true, true, true}:
			return "UTF-32 text", fmt.Sprintf(asUTF8, "UTF-32LE")
		case [4]bool{true, true, true, false}:
			return "UTF-32 text", fmt.Sprintf(asUTF8, "UTF-32BE")
		case [4]bool{false, true, false, true}:
			return "UTF-16 text", fmt.Sprintf(asUTF8, "UTF-16LE")
		case [4]bool{true, false, true, false}:
			return "UTF-16 text", fmt.Sprintf(asUTF8, "UTF-16BE")
		}
	}
	return "", ""
}

// recogniseText recognises text by its first lines. A file in which any of them may be a request is JSONL: the others
// are errors of their own.
func recogniseText(head []byte, whole bool) (is, remedy string) {
	var lines [][]byte // the first two that are not blank
	for line := range bytes.Lines(head) {
		line = bytes.TrimSpace(line)
		if len(line) == 0 {
			continue
		}
		if line[0] == '{' && !isBinary(line) {
			inArray := len(lines) > 0 && lines[0][0] == '[' && (len(lines[0]) == 1 || !json.Valid(line)) && !json.Valid(lines[0])
			if !inArray {
				return "", ""
			}
			break
		}
		if len(lines) < 2 {
			lines = append(lines, line)
		}
	}
	if len(lines) == 0 {
		return "", ""
	}
	switch first := lines[0]; {
	case first[0] == '[' && (len(lines) == 1 && whole || !json.Valid(first)):
		return "a JSON array", "Write each element on a line of its own, for example with jq -c '.[]' FILE."
	case json.Valid(first):
		return "", ""
	case first[0] == '<':
		return "XML or HTML", asLines
	case bytes.IndexByte(head, 0) >= 0, isBinary(head):
		return "binary", asLines
	}
	if len(lines) == 2 {
		for _, delimiter := range []string{",", ";", "\t", "|"} {
			if hasColumns(lines[0], delimiter) && hasColumns(lines[1], delimiter) {
				return "CSV by its first lines", asExport
			}
		}
	}
	return "", ""
}

// isBinary reports whether bytes are no text in any encoding of single bytes: they are not UTF-8, and have control
// characters that text does without.
func isBinary(b []byte) bool {
	return !utf8.Valid(b) && bytes.ContainsFunc(b, func(r rune) bool { return r < ' ' && (r < '\t' || r > '\r') && r != '\x1b' })
}

// hasColumns reports whether a line may be a row of a table. A delimiter within a JSON object makes no column, as in
// "data: {...}", unless the object is a quoted cell.
func hasColumns(line []byte, delimiter string) bool {
	before, _, found := bytes.Cut(line, []byte(delimiter))
	return found && (line[0] == '"' || !bytes.Contains(before, []byte("{")))
}
