// Package urlpath judges names that become a part of a URL's path.
package urlpath

import (
	"strings"
	"unicode"
)

// IsSegment reports whether a name can stand in a URL's path as one segment. Dots alone and slashes change the path,
// and so may an escape where a proxy decodes it once more. Azure takes only letters, digits, hyphens, underscores
// and periods in a deployment's name.
func IsSegment(name string) bool {
	return name != "" && name != "." && name != ".." &&
		!strings.ContainsFunc(name, func(r rune) bool { return r == '/' || r == '\\' || r == '%' || unicode.IsControl(r) })
}
