package s3_test

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
)

// send signs a PUT that says payload of its body, and sends it.
func (w *world) send(t *testing.T, key, payload string, header map[string]string, body string) (int, string) {
	t.Helper()
	r, err := http.NewRequest("PUT", w.url+"/"+bucket+"/"+key, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-Amz-Content-Sha256", payload)
	for name, value := range header {
		r.Header.Set(name, value)
	}
	signer := v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = true })
	if err := signer.SignHTTP(t.Context(), aws.Credentials{AccessKeyID: "local", SecretAccessKey: "local"}, r, payload, "s3", "us-east-1", time.Now()); err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(answer)
}

func crc(body string) string {
	return base64.StdEncoding.EncodeToString(binary.BigEndian.AppendUint32(nil, crc32.ChecksumIEEE([]byte(body))))
}

func TestBodiesAreChecked(t *testing.T) {
	trailer := map[string]string{"X-Amz-Trailer": "x-amz-checksum-crc32", "Content-Encoding": "aws-chunked", "X-Amz-Decoded-Content-Length": "5"}
	chunked := func(crc string) string {
		return "3\r\nhel\r\n2\r\nlo\r\n0\r\nx-amz-checksum-crc32:" + crc + "\r\n\r\n"
	}
	tests := []struct {
		name, payload string
		header        map[string]string
		body          string
		status        int
		code          string
	}{
		{"unsigned", "UNSIGNED-PAYLOAD", nil, "hello", 200, ""},
		{"checksum in the header", "UNSIGNED-PAYLOAD", map[string]string{"X-Amz-Checksum-Crc32": crc("hello")}, "hello", 200, ""},
		{"another checksum in the header", "UNSIGNED-PAYLOAD", map[string]string{"X-Amz-Checksum-Crc32": crc("hallo")}, "hello", 400, "BadDigest"},
		{"checksum after the body", "STREAMING-UNSIGNED-PAYLOAD-TRAILER", trailer, chunked(crc("hello")), 200, ""},
		{"another checksum after the body", "STREAMING-UNSIGNED-PAYLOAD-TRAILER", trailer, chunked(crc("hallo")), 400, "BadDigest"},
		{"no checksum after the body", "STREAMING-UNSIGNED-PAYLOAD-TRAILER", trailer, "5\r\nhello\r\n0\r\n\r\n", 400, "BadDigest"},
		{"chunk without a signature", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD", trailer, "5\r\nhello\r\n0\r\n\r\n", 400, "BadDigest"},
		{"another hash", fmt.Sprintf("%064d", 0), nil, "hello", 400, "BadDigest"},
	}
	for i, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w, key := open(t, false), fmt.Sprint("key", i)
			status, answer := w.send(t, key, tt.payload, tt.header, tt.body)
			if status != tt.status || !strings.Contains(answer, tt.code) {
				t.Fatalf("got %d %s, want %d %s", status, answer, tt.status, tt.code)
			}
			if status != 200 {
				if len(w.created) != 0 {
					t.Errorf("told of %+v", w.created)
				}
				return
			}
			if got := w.get(t, awss3.GetObjectInput{Key: &key}); got != "hello" {
				t.Errorf("got %q", got)
			}
			head, err := w.client.HeadObject(t.Context(), &awss3.HeadObjectInput{Bucket: aws.String(bucket), Key: &key, ChecksumMode: "ENABLED"})
			if err != nil || head.ContentEncoding != nil || tt.payload != "UNSIGNED-PAYLOAD" && aws.ToString(head.ChecksumCRC32) != crc("hello") {
				t.Errorf("head %+v, %v", head, err)
			}
		})
	}
}

func TestPresigned(t *testing.T) {
	w := open(t, false)
	presigner, key := awss3.NewPresignClient(w.client), aws.String("in box/ä+%=.jsonl")
	put, err := presigner.PresignPutObject(t.Context(), &awss3.PutObjectInput{Bucket: aws.String(bucket), Key: key})
	if err != nil {
		t.Fatal(err)
	}
	r, _ := http.NewRequest("PUT", put.URL, strings.NewReader("hello"))
	response, err := http.DefaultClient.Do(r)
	if err != nil || response.StatusCode != 200 {
		t.Fatalf("%v, %v", response, err)
	}
	response.Body.Close()
	get, err := presigner.PresignGetObject(t.Context(), &awss3.GetObjectInput{Bucket: aws.String(bucket), Key: key, ResponseContentDisposition: aws.String(`attachment; filename="a b"`)})
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name, url, want string
		status          int
	}{
		{"as signed", get.URL, "hello", 200},
		{"another key", strings.Replace(get.URL, "jsonl", "json", 1), "SignatureDoesNotMatch", 403},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			response, err := http.Get(tt.url)
			if err != nil {
				t.Fatal(err)
			}
			defer response.Body.Close()
			body, _ := io.ReadAll(response.Body)
			if response.StatusCode != tt.status || !strings.Contains(string(body), tt.want) {
				t.Errorf("got %d %s", response.StatusCode, body)
			}
			if got := response.Header.Get("Content-Disposition"); tt.status == 200 && got != `attachment; filename="a b"` {
				t.Errorf("disposition %q", got)
			}
		})
	}
}

// The SDKs put the bucket into the host's name, unless that is an address.
func TestBucketInHost(t *testing.T) {
	w := open(t, false)
	for _, host := range []string{bucket + ".localhost:8081", bucket + ".s3.us-east-1.amazonaws.com", bucket + ".host.docker.internal:8081"} {
		inHost := awss3.New(client(w.url).Options(), func(o *awss3.Options) {
			o.BaseEndpoint = aws.String("http://" + strings.TrimPrefix(host, bucket+"."))
			o.HTTPClient = roundTripper(func(r *http.Request) (*http.Response, error) {
				r.URL.Host = strings.TrimPrefix(w.url, "http://")
				if r.Host == "" {
					r.Host = host
				}
				return http.DefaultTransport.RoundTrip(r)
			})
		})
		if _, err := inHost.PutObject(t.Context(), &awss3.PutObjectInput{Bucket: aws.String(bucket), Key: aws.String("in box/" + host), Body: bytes.NewReader(nil)}); err != nil {
			t.Fatalf("%s: %v", host, err)
		}
		if event := w.created[len(w.created)-1]; event.Bucket != bucket || event.Key != "in box/"+host {
			t.Errorf("%s: reported %+v", host, event)
		}
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) Do(r *http.Request) (*http.Response, error) { return f(r) }

// A large object has a file that no directory names: it goes with the last who refers to it.
func TestNothingIsLeftBehind(t *testing.T) {
	w := open(t, false)
	w.put(t, "large", large)
	if entries, err := os.ReadDir(w.dir); err != nil || len(entries) != 0 {
		t.Errorf("%v, %v", entries, err)
	}
	if got := w.get(t, awss3.GetObjectInput{Key: aws.String("large")}); got != large {
		t.Errorf("got %d bytes", len(got))
	}
}
