// Package s3 is Amazon S3 on this machine: gofakes3 speaks the protocol, and this package keeps the
// objects, small ones in memory and the rest in unlinked files, or all of them in a folder, and reports each that is created.
// It does not know who may do what: signatures are checked before a request comes here, and there
// are no policies, no encryption, no lifecycle and no object locks.
//
// It differs from S3 in that the ETag of an object that came in parts does not end in their number.
package s3

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/rclone/gofakes3"

	"aoai-bridge/infra/local/faults"
)

// A Created is news of an object that was created.
type Created struct {
	Bucket, Key string
	Size        int64
	ETag        string // without quotes
	VersionID   string // "" in a bucket without versions
	Sequencer   string // hexadecimal; a later one for the same key is greater
	Reason      string // PutObject, CopyObject or CompleteMultipartUpload
}

// Options are what a Store may be given.
type Options struct {
	Dir       string           // where large objects go; the system's temporary directory when empty
	OnCreated func(Created)    // called before the client gets its answer; must not block
	Now       func() time.Time // time.Now when nil
}

// A Store holds the buckets of one account. It is an http.Handler, which leaves the request's
// signature to its caller, and it is safe for concurrent use.
type Store struct {
	faults.Switch // operations are named METHOD: GET, PUT, ...

	options  Options
	protocol http.Handler
	disk     *disk // nil where nothing outlives the process

	mu       sync.RWMutex
	buckets  map[string]*bucket
	uploads  map[gofakes3.UploadID]*upload
	sequence int64
}

// New returns a store without buckets, which keeps nothing beyond the process.
func New(options Options) *Store {
	if options.Now == nil {
		options.Now = time.Now
	}
	if options.OnCreated == nil {
		options.OnCreated = func(Created) {}
	}
	s := &Store{options: options, buckets: make(map[string]*bucket), uploads: make(map[gofakes3.UploadID]*upload)}
	// The clock's skew is a matter of the signature, and 0 turns the check off.
	s.protocol = gofakes3.New(s, gofakes3.WithTimeSkewLimit(0), gofakes3.WithTimeSource(clock(options.Now))).Server()
	return s
}

// MakeBucket creates a bucket, or sets whether the one there is keeps versions.
func (s *Store) MakeBucket(name string, versioned bool) error {
	if err := gofakes3.ValidateBucketName(name); err != nil {
		return fmt.Errorf("bucket %q: %w", name, err)
	}
	if err := s.CreateBucket(context.Background(), name); err != nil && !gofakes3.IsAlreadyExists(err) {
		return err
	}
	if !versioned {
		return nil
	}
	return s.SetVersioningConfiguration(name, gofakes3.VersioningConfiguration{Status: gofakes3.VersioningEnabled})
}

// ServeHTTP answers one call, with the bucket in the path or in the host's name.
func (s *Store) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if fail := s.Enter(r.Context(), r.Method); fail {
		w.Header().Set("Content-Type", "application/xml")
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = w.Write([]byte("<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>"))
		return
	}
	c := &call{answer: w.Header(), body: newCheckedBody(r)}
	c.version, c.versionedObject = askedVersion(r)
	r = r.WithContext(context.WithValue(r.Context(), callKey{}, c))
	r.Body = c.body
	c.readDeletions(r)
	if name := s.bucketInHost(r.Host); name != "" {
		url := *r.URL
		url.Path, url.RawPath = "/"+name+url.Path, ""
		r.URL = &url
	}
	s.protocol.ServeHTTP(w, r)
}

// bucketInHost takes the bucket out of BUCKET.localhost and BUCKET.s3.REGION.amazonaws.com; of other
// hosts, the first label counts if there is such a bucket.
func (s *Store) bucketInHost(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	if net.ParseIP(strings.Trim(host, "[]")) != nil {
		return ""
	}
	if name, ok := strings.CutSuffix(host, ".localhost"); ok {
		return name
	}
	if name, _, ok := strings.Cut(host, ".s3."); ok {
		return name
	}
	name, _, ok := strings.Cut(host, ".")
	if exists, _ := s.BucketExists(context.Background(), name); ok && exists {
		return name
	}
	return ""
}

// clock is a clock as gofakes3 wants it.
type clock func() time.Time

func (c clock) Now() time.Time                  { return c() }
func (c clock) Since(t time.Time) time.Duration { return c().Sub(t) }
