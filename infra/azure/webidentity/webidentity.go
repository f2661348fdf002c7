// Package webidentity asks AWS who signs the tokens that an account's roles show outside of AWS, and has the account issue
// them. IAM's two calls are made by hand: the SDK's module for IAM would bring all of IAM for them.
package webidentity

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/arn"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"aoai-bridge/infra/awssignin"
)

// Account is the AWS account of the credentials at hand.
type Account struct {
	ID, Partition, Region string
	config                aws.Config
}

// Open finds region and credentials as every AWS tool does.
func Open(ctx context.Context) (*Account, error) {
	c, err := awssignin.Config(ctx, "")
	if err != nil {
		return nil, err
	}
	caller, err := sts.NewFromConfig(c).GetCallerIdentity(ctx, nil)
	if err != nil {
		return nil, fmt.Errorf("AWS does not say which account this is: %w", err)
	}
	who, err := arn.Parse(aws.ToString(caller.Arn))
	if err != nil {
		return nil, err
	}
	return &Account{aws.ToString(caller.Account), who.Partition, c.Region, c}, nil
}

// RoleARN is the ARN of a role of the account, whether it is there or not.
func (a *Account) RoleARN(name string) string {
	return "arn:" + a.Partition + ":iam::" + a.ID + ":role/" + name
}

// Issuer returns the issuer of the account's tokens, "" where the account issues none.
func (a *Account) Issuer(ctx context.Context) (string, error) {
	issuer, err := a.call(ctx, "GetOutboundWebIdentityFederationInfo")
	if e := (*Error)(nil); errors.As(err, &e) && e.disabled() {
		return "", nil
	}
	return issuer, err
}

// Enable has the account issue tokens, and returns their issuer.
func (a *Account) Enable(ctx context.Context) (issuer string, err error) {
	return a.call(ctx, "EnableOutboundWebIdentityFederation")
}

// An Error is IAM's.
type Error struct {
	Code    string `xml:"Error>Code"`
	Message string `xml:"Error>Message"`
}

func (e *Error) Error() string { return e.Code + ": " + e.Message }

// disabled reports whether the account issues no tokens yet: the model has the first code, and its exception the second.
func (e *Error) disabled() bool {
	return e.Code == "FeatureDisabled" || e.Code == "FeatureDisabledException" || e.Code == "OutboundWebIdentityFederationDisabledException"
}

// endpoints are IAM's, one for each partition, with the region that requests are signed for, as service/iam v1.66.0 of the
// SDK has them.
var endpoints = map[string]struct{ url, region string }{
	"aws":        {"https://iam.amazonaws.com/", "us-east-1"},
	"aws-us-gov": {"https://iam.us-gov.amazonaws.com/", "us-gov-west-1"},
	"aws-cn":     {"https://iam.cn-north-1.amazonaws.com.cn/", "cn-north-1"},
}

// call asks IAM and returns the IssuerIdentifier of its answer.
func (a *Account) call(ctx context.Context, action string) (issuer string, err error) {
	endpoint, known := endpoints[a.Partition]
	if !known {
		return "", fmt.Errorf("where IAM is in the partition %s is not known here", a.Partition)
	}
	if own := aws.ToString(a.config.BaseEndpoint); own != "" {
		endpoint.url = own
	}
	body := url.Values{"Action": {action}, "Version": {"2010-05-08"}}.Encode()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, endpoint.url, strings.NewReader(body))
	if err != nil {
		return "", err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	credentials, err := a.config.Credentials.Retrieve(ctx)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256([]byte(body))
	if err := v4.NewSigner().SignHTTP(ctx, credentials, req, hex.EncodeToString(sum[:]), "iam", endpoint.region, time.Now()); err != nil {
		return "", err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		return "", err
	}
	if resp.StatusCode != http.StatusOK {
		e := &Error{Code: resp.Status}
		_ = xml.Unmarshal(raw, e) // without a body the status has to do
		return "", fmt.Errorf("AWS refuses %s: %w", action, e)
	}
	var answer struct {
		Result struct {
			Issuer string `xml:"IssuerIdentifier"`
		} `xml:",any"`
	}
	if err := xml.Unmarshal(raw, &answer); err != nil || answer.Result.Issuer == "" {
		return "", fmt.Errorf("the answer of AWS to %s names no issuer", action)
	}
	return answer.Result.Issuer, nil
}
