// Splitter is the function that the survey of a file is measured beside: it reads an object of S3 to its end,
// splits it into lines and counts them. Asked to, it has encoding/json check each line. It does nothing else.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"os"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"aoai-bridge/shared/lambdahttp"
)

type request struct {
	Bucket, Key string
	Check       bool
}

type answer struct {
	Lines int `json:"lines"`
	Bad   int `json:"bad"`
}

func main() {
	lambdahttp.Fit(os.Getenv) // as the other does
	cfg, err := config.LoadDefaultConfig(context.Background())
	if err != nil {
		panic(err)
	}
	client := s3.NewFromConfig(cfg, func(o *s3.Options) { o.UsePathStyle = true })
	lambda.Start(func(ctx context.Context, r request) (a answer, err error) {
		object, err := client.GetObject(ctx, &s3.GetObjectInput{Bucket: &r.Bucket, Key: &r.Key})
		if err != nil {
			return a, err
		}
		defer object.Body.Close()
		lines := bufio.NewScanner(object.Body)
		lines.Buffer(make([]byte, 256<<10), 8<<20)
		for lines.Scan() {
			a.Lines++
			if r.Check && !json.Valid(lines.Bytes()) {
				a.Bad++
			}
		}
		return a, lines.Err()
	})
}
