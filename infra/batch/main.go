// Batch puts a file of requests into the bucket, shows how far its job is, and ends with where the
// results are. It does not know how the job is done: all it sees is the job's record.
//
//	make batch FILE=events/batch.jsonl                     by the stack that make run started
//	make batch FILE=reviews.jsonl BUCKET=my-bucket         by a deployed one (its output BatchBucket)
//	make batch FILE=reviews.jsonl CEILING=500 MODE=online  with the job's own settings
//
// Interrupting it leaves the job alone. The exit status is 1 when the job was refused or failed as a
// whole; lines that failed are counted, and are not a failure of the job.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsconfig "github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"aoai-bridge/shared/batch"
	"aoai-bridge/shared/batch/job"
	"aoai-bridge/shared/config"
)

// What the local stack has.
const (
	localBucket   = "aoai-bridge-batch"
	localEndpoint = "http://127.0.0.1:8081"
)

func main() {
	file := flag.String("file", "", "file of requests, one JSON object a line")
	bucket := flag.String("bucket", "", "the stack's bucket; the local stack's when empty")
	ceiling := flag.String("ceiling", "", "what the job may cost in USD, or none")
	mode := flag.String("mode", "", "batch or online, for all lines")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *file, *bucket, map[string]string{"cost-ceiling": *ceiling, "mode": *mode}); err != nil {
		fmt.Fprintln(os.Stderr, "batch:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, file, bucket string, metadata map[string]string) error {
	if file == "" {
		return errors.New("which file? make batch FILE=events/batch.jsonl")
	}
	cfg, err := awsConfig(ctx, bucket == "")
	if err != nil {
		return err
	}
	if bucket == "" {
		bucket = localBucket
	}
	in, err := uploadFile(ctx, cfg, bucket, file, metadata)
	if err != nil {
		return err
	}
	fmt.Printf("s3://%s/%s is job %s\n", in.Bucket, in.Key, in.ID())
	summary, err := watch(ctx, batch.New(batch.Options{AWS: cfg, Env: config.Batch{Bucket: bucket}}), in.ID())
	switch {
	case ctx.Err() != nil:
		fmt.Printf("\nThe job goes on without you. It will end with s3://%s/results/%s\n", bucket, filepath.Base(in.Key))
		return nil
	case err != nil:
		return err
	}
	return report(os.Stdout, summary)
}

func awsConfig(ctx context.Context, local bool) (aws.Config, error) {
	if !local {
		return awsconfig.LoadDefaultConfig(ctx)
	}
	endpoint := localEndpoint
	if url := os.Getenv("AWS_ENDPOINT_URL"); url != "" {
		endpoint = url
	}
	return aws.Config{
		Region: "us-east-1", BaseEndpoint: &endpoint, Credentials: credentials.NewStaticCredentialsProvider("local", "local", ""),
	}, nil
}

// uploadFile uploads the file to the prefix whose files the workflow answers.
func uploadFile(ctx context.Context, cfg aws.Config, bucket, path string, metadata map[string]string) (*job.Input, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	for name, value := range metadata {
		if value == "" {
			delete(metadata, name)
		}
	}
	client := s3.NewFromConfig(cfg, func(o *s3.Options) { o.UsePathStyle = o.BaseEndpoint != nil })
	key := "inbox/" + filepath.Base(path)
	out, err := client.PutObject(ctx, &s3.PutObjectInput{Bucket: &bucket, Key: &key, Body: file, Metadata: metadata})
	if err != nil {
		return nil, fmt.Errorf("the file cannot be put into the bucket %s (is the stack running?): %w", bucket, err)
	}
	return &job.Input{Bucket: bucket, Key: key, VersionID: aws.ToString(out.VersionId)}, nil
}
