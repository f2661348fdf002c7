package config

import (
	"context"
	"errors"
	"os"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/credentials/endpointcreds"
)

// AWS is the SDK's configuration as Lambda states it in the environment: AWS_REGION; credentials in
// AWS_ACCESS_KEY_ID and so on or, with SnapStart and Lambda Managed Instances, at the URL in
// AWS_CONTAINER_CREDENTIALS_FULL_URI; AWS_ENDPOINT_URL and AWS_USE_FIPS_ENDPOINT where they are set.
// The SDK's own chain looks in ten more places, none of which a function has, and linking it takes a
// tenth of a cold start.
func AWS(getenv func(string) string) (aws.Config, error) {
	cfg := aws.Config{Region: getenv("AWS_REGION"), ConfigSources: []any{fipsSetting(getenv("AWS_USE_FIPS_ENDPOINT"))}}
	if cfg.Region == "" {
		return aws.Config{}, errors.New("environment variable AWS_REGION is not set; Lambda sets it")
	}
	if url := getenv("AWS_ENDPOINT_URL"); url != "" {
		cfg.BaseEndpoint = &url
	}
	id, secret, uri := getenv("AWS_ACCESS_KEY_ID"), getenv("AWS_SECRET_ACCESS_KEY"), getenv("AWS_CONTAINER_CREDENTIALS_FULL_URI")
	switch {
	case id != "" && secret != "":
		cfg.Credentials = credentials.NewStaticCredentialsProvider(id, secret, getenv("AWS_SESSION_TOKEN"))
	case uri != "":
		cfg.Credentials = aws.NewCredentialsCache(endpointcreds.New(uri, func(o *endpointcreds.Options) {
			o.AuthorizationToken = getenv("AWS_CONTAINER_AUTHORIZATION_TOKEN")
			if file := getenv("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"); file != "" {
				o.AuthorizationTokenProvider = endpointcreds.TokenProviderFunc(func() (string, error) {
					token, err := os.ReadFile(file) // each time, since it is rotated
					return strings.TrimSpace(string(token)), err
				})
			}
		}))
	default:
		return aws.Config{}, errors.New("the environment has no AWS credentials, neither AWS_ACCESS_KEY_ID nor AWS_CONTAINER_CREDENTIALS_FULL_URI; Lambda sets them")
	}
	return cfg, nil
}

// fipsSetting is the value of AWS_USE_FIPS_ENDPOINT, as a source of the SDK's configuration.
type fipsSetting string

func (f fipsSetting) GetUseFIPSEndpoint(context.Context) (aws.FIPSEndpointState, bool, error) {
	if strings.EqualFold(string(f), "true") {
		return aws.FIPSEndpointStateEnabled, true, nil
	}
	return aws.FIPSEndpointStateUnset, false, nil
}
