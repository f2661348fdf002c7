package sigv4_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"aoai-bridge/infra/local/sigv4"
)

// received returns r as a server gets to see it.
func received(t *testing.T, r *http.Request) *http.Request {
	t.Helper()
	var wire bytes.Buffer
	if err := r.Write(&wire); err != nil {
		t.Fatal(err)
	}
	got, err := http.ReadRequest(bufio.NewReader(&wire))
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func atNoon() *sigv4.Verifier {
	return &sigv4.Verifier{
		Secret: func(string) (string, bool) { return "secret-of-AKID", true },
		Now:    func() time.Time { return noon },
	}
}

// FuzzVerify holds the canonical request to that of the SDK's signer: what it signs is verified, and is
// refused with another path.
func FuzzVerify(f *testing.F) {
	f.Add("/bucket/in%20box/%C3%A4+b.jsonl", "versionId=1&a=a%2Fb&a=a-b&list", "", " a   b ", "body", true, false)
	f.Add("/bucket/a%2Fb//c", "a=%2B+&%C3%A4=~*'()", "token/+==", "", "", true, true)
	f.Add("/2015-03-31/functions/arn%3Aaws/invocations", "Qualifier=$LATEST", "token", "x", "{}", false, false)
	f.Add("", "Action=GetCallerIdentity", "", "y", "", false, true)
	f.Fuzz(func(t *testing.T, path, query, token, value, body string, s3, presigned bool) {
		unprintable := func(r rune) bool { return r < ' ' || r > '~' }
		target, err := url.Parse("http://a.example:81" + path + "?" + query)
		if err != nil || target.Host != "a.example:81" || target.Query().Has("X-Amz-Signature") || strings.ContainsFunc(value+token, unprintable) {
			t.Skip()
		}
		service := "sts"
		if s3 {
			service = "s3"
		}
		r, err := http.NewRequest("POST", target.String(), strings.NewReader(body))
		if err != nil {
			t.Skip()
		}
		r.Header.Set("X-Amz-Meta-Any", value)
		digest := sha256.Sum256([]byte(body))
		hash := hex.EncodeToString(digest[:])
		r.Header.Set("X-Amz-Content-Sha256", hash)
		signer := v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = s3 })
		credentials := aws.Credentials{AccessKeyID: "AKID", SecretAccessKey: "secret-of-AKID", SessionToken: token}
		if presigned {
			address, _, err := signer.PresignHTTP(context.Background(), credentials, r, hash, service, "eu-west-1", noon)
			if err != nil {
				t.Fatal(err)
			}
			if r.URL, err = url.Parse(address); err != nil {
				t.Fatal(err)
			}
		} else if err := signer.SignHTTP(context.Background(), credentials, r, hash, service, "eu-west-1", noon); err != nil {
			t.Fatal(err)
		}
		got := received(t, r)
		if scope, err := atNoon().Verify(got); err != nil || scope.Service != service {
			t.Fatalf("%s %s is refused: %v", got.Method, got.URL, err)
		}
		got.URL.Path, got.URL.RawPath = got.URL.Path+"x", ""
		if _, err := atNoon().Verify(got); err == nil {
			t.Fatalf("%s is verified with the signature of another path", got.URL)
		}
	})
}

// TestVerifyEmptyBodyOfSignedLength has a signature of botocore's: the SDK for Go signs no length of 0.
func TestVerifyEmptyBodyOfSignedLength(t *testing.T) {
	r, err := http.NewRequest("PUT", "http://s3.example/bucket/empty", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-Amz-Date", "20260102T120000Z")
	r.Header.Set("X-Amz-Content-Sha256", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=AKID/20260102/eu-west-1/s3/aws4_request, "+
		"SignedHeaders=content-length;host;x-amz-content-sha256;x-amz-date, "+
		"Signature=ccf2e5d7cf2bb136a408d1e36dd58941171aaca925c98d3843c758b52dead49c")
	if _, err := atNoon().Verify(received(t, r)); err != nil {
		t.Error(err)
	}
}
