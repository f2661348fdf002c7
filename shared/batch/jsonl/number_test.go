package jsonl

import (
	"strings"
	"testing"
)

// A line's number is read the same way wherever it stands.
func TestNumbers(t *testing.T) {
	tests := []struct {
		digits string
		want   int // 0 for none
	}{
		{"1", 1}, {"907", 907}, {"1000000000", 1_000_000_000}, {"9223372036854775807", 9223372036854775807},
		{"", 0}, {"0", 0}, {"-1", 0}, {"+1", 0}, {"01", 0}, {"1.0", 0}, {"1e3", 0}, {" 1", 0}, {"1 ", 0}, {"1_0", 0}, {"0x1", 0}, {"a", 0}, {"٣", 0},
		{"9223372036854775808", 0}, {strings.Repeat("9", 100), 0},
	}
	for _, test := range tests {
		t.Run(test.digits, func(t *testing.T) {
			if got, rest, err := CutNumber([]byte(test.digits + "\ta\tb")); got != test.want || (err == nil) != (test.want > 0) || string(rest) != "a\tb" {
				t.Errorf("of a list: %d, %q, %v", got, rest, err)
			}
			request := `{"custom_id":"` + test.digits + `","method":"POST","url":"/v1/responses","body":{}}`
			if got, err := RequestNumber([]byte(request)); got != test.want || (err == nil) != (test.want > 0) {
				t.Errorf("of a request: %d, %v", got, err)
			}
			a, err := NewAnswers(t.TempDir())
			if err != nil {
				t.Fatal(err)
			}
			defer a.Close()
			if err := a.Read(strings.NewReader(`{"custom_id":"` + test.digits + `","response":{"status_code":200}}`)); err != nil {
				t.Fatal(err)
			}
			if _, found := a.Find(test.want); found != (test.want > 0) || a.Len()+a.Torn != 1 {
				t.Errorf("of an answer: %t; %d answers, %d torn", found, a.Len(), a.Torn)
			}
		})
	}
}

func TestRequestNumberOfNoRequest(t *testing.T) {
	for _, text := range []string{"", "{", `{"custom_id":"`, `{"custom_id":"1`, `{"custom_id":1}`, `{"method":"POST","custom_id":"1"}`, `["custom_id":"1"`} {
		if number, err := RequestNumber([]byte(text)); err == nil {
			t.Errorf("%q has the number %d", text, number)
		}
	}
}
