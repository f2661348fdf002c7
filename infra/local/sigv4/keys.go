package sigv4

import (
	"crypto/hmac"
	"crypto/sha256"
)

// signingKey derives the key of everything that is signed in a scope.
func signingKey(secret string, scope Scope) []byte {
	key := []byte("AWS4" + secret)
	for _, part := range []string{scope.Date, scope.Region, scope.Service, "aws4_request"} {
		key = hmacSHA256(key, part)
	}
	return key
}

func hmacSHA256(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}
