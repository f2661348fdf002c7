// Batch puts a file of requests into the bucket, shows how far its job is, and ends with where the
// results are; or it cancels the jobs of an object. It does not know how a job is done: all it sees is the job's record.
//
//	make batch FILE=events/batch.jsonl                     by the stack that make run started
//	make batch FILE=reviews.jsonl BUCKET=my-bucket         by a deployed one (its output BatchBucket)
//	make batch FILE=reviews.jsonl CEILING=500 MODE=online  with the job's own settings
//	make batch FILE=reviews.jsonl AGAIN=1                  even where the same content has just been answered
//	make batch CANCEL=inbox/reviews.jsonl                  ends the unfinished jobs of an object
//
// AWS_PORT is where the local stack's AWS endpoint is, as with make run; AWS_ENDPOINT_URL goes before it.
//
// Interrupting it leaves the job alone. The exit status is 1 when the job was refused or failed as a
// whole; lines that failed are counted, and are not a failure of the job.
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsconfig "github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"aoai-bridge/shared/batch/job"
	"aoai-bridge/shared/batch/progress"
	"aoai-bridge/shared/bucket"
)

// What the local stack has.
const (
	localBucket = "aoai-bridge-batch"
	localPort   = "8081"
)

func main() {
	file := flag.String("file", "", "file of requests, one JSON object a line")
	name := flag.String("bucket", "", "the stack's bucket; the local stack's when empty")
	ceiling := flag.String("ceiling", "", "what the job may cost in USD, or none")
	mode := flag.String("mode", "", "batch or online, for all lines")
	again := flag.String("again", "", "anything: answer the file even where the same content has just been answered")
	cancel := flag.String("cancel", "", "key of an object whose jobs are to end, in place of a file")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	metadata := map[string]string{"cost-ceiling": *ceiling, "mode": *mode}
	if *again != "" {
		metadata["again"] = "true"
	}
	if err := run(ctx, *file, *cancel, *name, metadata); err != nil {
		fmt.Fprintln(os.Stderr, "batch:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, file, cancel, name string, metadata map[string]string) error {
	if (file == "") == (cancel == "") {
		return errors.New("which file? make batch FILE=events/batch.jsonl, or CANCEL=inbox/batch.jsonl to end its jobs")
	}
	cfg, err := awsConfig(ctx, name == "")
	if err != nil {
		return err
	}
	if name == "" {
		name = localBucket
	}
	store := bucket.New(cfg, name)
	w := &watcher{store: store, progress: progress.New(store, time.Now), out: os.Stdout, screen: os.Stderr}
	if cancel != "" {
		return w.cancel(ctx, cancel)
	}
	in, err := uploadFile(ctx, cfg, name, file, metadata)
	if err != nil {
		return err
	}
	j := &job.Job{ID: in.ID(), Bucket: in.Bucket, Key: in.Key, Origin: job.OriginDrop}
	fmt.Printf("%s is job %s\n", j.URL(j.Key), j.ID)
	return w.follow(ctx, j)
}

func awsConfig(ctx context.Context, local bool) (aws.Config, error) {
	if !local {
		return awsconfig.LoadDefaultConfig(ctx)
	}
	endpoint := cmp.Or(os.Getenv("AWS_ENDPOINT_URL"), "http://127.0.0.1:"+cmp.Or(os.Getenv("AWS_PORT"), localPort))
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
	if info, err := file.Stat(); err != nil {
		return nil, err
	} else if info.IsDir() {
		return nil, fmt.Errorf("%s is a folder: name one file", path)
	}
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
