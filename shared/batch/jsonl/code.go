package jsonl

import (
	"strconv"
	"strings"

	"aoai-bridge/shared/rawjson"
)

// maxCode is how much of a code is kept, in bytes.
const maxCode = 64

// FailureOf reads a line of results that failed: the code of its error, or of Azure's, or else http_ and the status; and
// the message beside it, which lasts as long as the line.
func FailureOf(tree *rawjson.Tree, line []byte) (code, message string) {
	o, err := tree.Read(line)
	if err != nil {
		return "unknown", ""
	}
	response, failure := o.Get("response"), o.Get("error")
	if failure.Absent() {
		failure = response.Get("body").Get("error")
	}
	code, message = failure.Get("code").Text(), failure.Get("message").Text()
	if status, err := strconv.Atoi(code); err == nil { // Azure has "429" as a code
		return "http_" + strconv.Itoa(status), message
	}
	if code == "" && !response.Absent() {
		code = "http_" + strconv.FormatInt(number(response.Get("status_code")), 10)
	}
	if code == "" {
		code = "unknown"
	}
	return strings.ToValidUTF8(strings.Clone(code[:min(len(code), maxCode)]), ""), message
}
