package job

import (
	"path"
	"slices"
	"strings"
	"unicode/utf8"
)

const (
	// maxPlainKey is the longest key of an object whose results have its whole name, in bytes.
	maxPlainKey = 900
	// maxShortName is how much of a longer one is kept. What is made of a name adds up to 50 bytes, of the 1,024 that S3
	// takes: a folder, the job's id, a suffix.
	maxShortName = 850
)

// ResultName is what an object's results are called: its key without inbox/ and the suffix .jsonl or .jsonl.gz, in any
// spelling. The name of a key that is too long for that is cut, and ends in a hash of the key.
func ResultName(key string) string {
	name := strings.TrimPrefix(key, "inbox/")
	for _, suffix := range []string{".jsonl", ".jsonl.gz"} {
		if at := len(name) - len(suffix); at > 0 && name[at-1] != '/' && strings.EqualFold(name[at:], suffix) {
			name = name[:at]
			break
		}
	}
	if !Shortened(key) {
		return name
	}
	end := min(len(name), maxShortName)
	for end > 0 && end < len(name) && !utf8.RuneStart(name[end]) {
		end--
	}
	return name[:end] + "-" + hash(key)
}

// Shortened reports whether an object's key is so long that its results have a shorter name.
func Shortened(key string) bool { return len(key) > maxPlainKey }

// Below reports whether a key lies below one of these folders, or would if its dots and double slashes were resolved
// as a path's are. S3 takes keys as they stand, but something on the way to it may not.
func Below(key string, folders ...string) bool {
	clean := path.Clean("/" + key)[1:]
	if strings.HasSuffix(key, "/") {
		clean += "/"
	}
	return slices.ContainsFunc(folders, func(folder string) bool { return strings.HasPrefix(clean, folder) })
}
