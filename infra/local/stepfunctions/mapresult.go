package stepfunctions

import (
	"encoding/json"
	"errors"

	"aoai-bridge/infra/local/jsonvalue"
)

// A resultWriter says where in S3 a distributed Map writes its results, and how.
type resultWriter struct {
	Resource     string
	Parameters   payload
	WriterConfig struct {
		Transformation string // NONE, COMPACT or FLATTEN
		OutputType     string // JSON or JSONL
	}
}

func (w *resultWriter) UnmarshalJSON(text []byte) error {
	type plain resultWriter
	if err := strict(text, (*plain)(w)); err != nil {
		return err
	}
	if w.Resource != "" && w.Resource != putObject {
		return errors.New("ResultWriter: resource " + w.Resource + " is not implemented here")
	}
	return nil
}

// result is the state's result: the children's outputs, or where they were written.
// https://docs.aws.amazon.com/step-functions/latest/dg/input-output-resultwriter.html
func (r *mapRun) result(input any) (any, error) {
	writer := r.ResultWriter
	if writer == nil || writer.Resource == "" {
		transformation := "COMPACT"
		if writer != nil {
			transformation = writer.WriterConfig.Transformation
		}
		return r.transform(r.children, transformation)
	}
	bucket, _, prefix, err := r.location(writer.Parameters, input)
	if err == nil && r.service.options.Objects == nil {
		err = errors.New("there is no S3 here")
	}
	if err != nil {
		return nil, &Failure{errResultWriter, err.Error()}
	}
	key, err := r.write(bucket, prefix)
	if err != nil {
		return nil, &Failure{errResultWriter, err.Error()}
	}
	return map[string]any{"MapRunArn": r.arn, "ResultWriterDetails": map[string]any{"Bucket": bucket, "Key": key}}, nil
}

// transform makes results of children. One that failed is always described in full.
func (r *mapRun) transform(children []*execution, transformation string) ([]any, error) {
	results := []any{}
	for _, child := range children {
		if child == nil {
			continue // aborted before it began
		}
		if child.status != Succeeded || transformation == "" || transformation == "NONE" {
			results = append(results, child.describe())
			continue
		}
		output, err := jsonvalue.Decode([]byte(child.output))
		if err != nil {
			return nil, err
		}
		if list, ok := output.([]any); ok && transformation == "FLATTEN" {
			results = append(results, list...)
		} else {
			results = append(results, output)
		}
	}
	return results, nil
}

// write writes the results, by status, and a manifest, whose key it returns.
func (r *mapRun) write(bucket, prefix string) (key string, err error) {
	if prefix != "" {
		prefix += "/"
	}
	prefix += r.arn[len(r.arn)-36:] + "/"
	config := r.ResultWriter.WriterConfig
	files := map[string]any{"SUCCEEDED": []any{}, "FAILED": []any{}, "PENDING": []any{}}
	for _, status := range []string{Succeeded, Failed} {
		var children []*execution
		for _, child := range r.children {
			if child != nil && child.status == status {
				children = append(children, child)
			}
		}
		if len(children) == 0 {
			continue
		}
		results, err := r.transform(children, config.Transformation)
		if err != nil {
			return "", err
		}
		name, body := prefix+status+"_0.json", []byte(encode(results))
		if config.OutputType == "JSONL" {
			name, body = name+"l", nil
			for _, result := range results {
				body = append(body, encode(result)+"\n"...)
			}
		}
		if err := r.service.options.Objects.Write(bucket, name, body); err != nil {
			return "", err
		}
		files[status] = []any{map[string]any{"Key": name, "Size": toNumber(len(body))}}
	}
	manifest, err := json.Marshal(map[string]any{"DestinationBucket": bucket, "MapRunArn": r.arn, "ResultFiles": files})
	if err != nil {
		return "", err
	}
	return prefix + "manifest.json", r.service.options.Objects.Write(bucket, prefix+"manifest.json", manifest)
}
