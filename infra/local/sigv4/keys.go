package sigv4

import (
	"crypto/hmac"
	"crypto/sha256"
	"sync"
)

// maxKeys bounds the cache: a scope's strings come from the request.
const maxKeys = 256

// A keyCache keeps derived signing keys, which cost four of a verification's five HMACs and change
// once a day.
type keyCache struct {
	mu   sync.Mutex
	keys map[cacheKey][]byte
}

type cacheKey struct {
	secret string
	scope  Scope
}

func (c *keyCache) get(secret string, scope Scope) []byte {
	id := cacheKey{secret, scope}
	c.mu.Lock()
	defer c.mu.Unlock()
	if key, ok := c.keys[id]; ok {
		return key
	}
	if c.keys == nil || len(c.keys) >= maxKeys {
		c.keys = make(map[cacheKey][]byte)
	}
	key := mac([]byte("AWS4"+secret), scope.Date)
	key = mac(key, scope.Region)
	key = mac(key, scope.Service)
	key = mac(key, "aws4_request")
	c.keys[id] = key
	return key
}

func mac(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}
