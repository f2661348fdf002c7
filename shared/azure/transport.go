package azure

import (
	"net"
	"net/http"
	"os"
	"runtime"
	"sync"
	"time"
)

const (
	// idleLimit is how long a connection is kept that no call uses.
	idleLimit = 30 * time.Second
	// quiet is the time without a call after which connections may have been closed unseen.
	quiet = time.Second
	// notice is how long it takes at most until the machine knows what came in while it was frozen.
	notice = time.Millisecond
)

// transport is net/http's, which is given a moment after every quiet time to see what has become of its
// idle connections. While a function is frozen Azure closes them, and nobody reads that. A request that
// goes out on such a connection is lost after it was sent, and must not be sent again, since it might
// have been charged.
type transport struct {
	http.RoundTripper
	now  func() time.Time // wall time, which goes on while a function is frozen
	look func()

	mu   sync.Mutex
	used time.Time // when a call last began or was answered; the zero time is never
}

func newTransport(connectTimeout time.Duration, now func() time.Time) *transport {
	return &transport{now: now, look: look, RoundTripper: &http.Transport{
		Proxy:               http.ProxyFromEnvironment,
		DialContext:         (&net.Dialer{Timeout: connectTimeout}).DialContext,
		TLSHandshakeTimeout: connectTimeout,
		MaxIdleConnsPerHost: 128,
		IdleConnTimeout:     idleLimit,
		DisableCompression:  true, // bytes pass as Azure sent them
	}}
}

func (t *transport) RoundTrip(r *http.Request) (*http.Response, error) {
	t.settle()
	response, err := t.RoundTripper.RoundTrip(r)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.used = t.now()
	return response, err
}

// settle looks after a quiet time. It keeps the lock meanwhile, so that no call that begins at the same
// time gets past it.
func (t *transport) settle() {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.now()
	if !t.used.IsZero() && now.Sub(t.used) >= quiet {
		t.look()
	}
	t.used = now
}

// look has every goroutine that waits for a connection see what has become of it, which takes about a
// millisecond. Time alone does not ensure that on a busy machine. Go's scheduler hands network events out
// in the order in which they came, so look makes one of its own and waits for that.
func look() {
	time.Sleep(notice)
	r, w, err := os.Pipe()
	if err != nil {
		return // no more than the time can be given
	}
	defer r.Close()
	raw, err := r.SyscallConn()
	if err != nil {
		w.Close()
		return
	}
	asked := false
	_ = raw.Read(func(uintptr) bool { // false has it wait for an event, which is the closing
		if asked {
			return true
		}
		asked = true
		w.Close()
		return false
	})
	// Those run whose events came first. The scheduler looks out of turn for one that has yielded, once in
	// a while, so that yielding once is not enough.
	for range 10 {
		runtime.Gosched()
	}
}
