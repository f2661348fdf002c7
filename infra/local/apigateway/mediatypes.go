package apigateway

import "strings"

// mediaTypes are the API's binary media types, in lower case: "image/png", "image/*", "*/*".
type mediaTypes map[string]bool

func newMediaTypes(list []string) mediaTypes {
	m := make(mediaTypes, len(list))
	for _, mediaType := range list {
		m[strings.ToLower(mediaType)] = true
	}
	return m
}

// match reports whether the first media type in a Content-Type or Accept header is one of m. Without
// a header the service takes application/json.
func (m mediaTypes) match(header string) bool {
	if len(m) == 0 {
		return false
	}
	mediaType, _, _ := strings.Cut(header, ",")
	mediaType, _, _ = strings.Cut(mediaType, ";")
	mediaType = strings.ToLower(strings.TrimSpace(mediaType))
	if mediaType == "" {
		mediaType = "application/json"
	}
	kind, _, _ := strings.Cut(mediaType, "/")
	return m["*/*"] || m[mediaType] || m[kind+"/*"]
}
