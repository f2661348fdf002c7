package stepfunctions

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"maps"
	"time"

	"aoai-bridge/infra/local/jsonvalue"
)

// An itemReader says which object, or objects, of S3 a distributed Map's items come from.
type itemReader struct {
	Resource     string
	Parameters   payload
	ReaderConfig readerConfig
}

type readerConfig struct {
	InputType         string // JSON, JSONL or CSV
	CSVHeaderLocation string
	CSVHeaders        []string
	MaxItems          int
}

const (
	listObjects = "arn:aws:states:::s3:listObjectsV2"
	getObject   = "arn:aws:states:::s3:getObject"
	putObject   = "arn:aws:states:::s3:putObject"
)

func (r *itemReader) UnmarshalJSON(text []byte) error {
	type plain itemReader
	if err := strict(text, (*plain)(r)); err != nil {
		return err
	}
	switch {
	case r.Resource != listObjects && r.Resource != getObject:
		return errors.New("ItemReader: resource " + r.Resource + " is not implemented here")
	case r.Resource == getObject && r.ReaderConfig.InputType != "JSON" && r.ReaderConfig.InputType != "JSONL" && r.ReaderConfig.InputType != "CSV":
		return errors.New("ItemReader: InputType " + r.ReaderConfig.InputType + " is not implemented here")
	}
	return nil
}

// items returns what a Map goes over.
func (v *visit) items(input any) ([]any, error) {
	if v.ItemReader != nil {
		items, err := v.readItems(input)
		if err != nil {
			return nil, &Failure{errItemReader, err.Error()}
		}
		return items, nil
	}
	value := input
	if v.ItemsPath.set() {
		var err error
		if value, err = v.ItemsPath.eval(v.scope(input), "ItemsPath"); err != nil {
			return nil, err
		}
	}
	items, ok := value.([]any)
	if !ok {
		return nil, failf(errRuntime, "Reference path \"%s\" must point to array.", v.itemsPath())
	}
	return items, nil
}

func (v *visit) itemsPath() string {
	if p, ok := v.ItemsPath.expression.(path); ok {
		return p.Text
	}
	return "$"
}

func (v *visit) readItems(input any) ([]any, error) {
	if v.service.options.Objects == nil {
		return nil, errors.New("there is no S3 here")
	}
	bucket, key, prefix, err := v.location(v.ItemReader.Parameters, input)
	if err != nil {
		return nil, err
	}
	limit := v.ItemReader.ReaderConfig.MaxItems
	if v.ItemReader.Resource == listObjects {
		var items []any
		err := v.service.options.Objects.List(bucket, prefix, func(key, etag string, size int64, modified time.Time) {
			if limit == 0 || len(items) < limit {
				items = append(items, map[string]any{"Etag": etag, "Key": key, "LastModified": toNumber(int(modified.Unix())),
					"Size": toNumber(int(size)), "StorageClass": "STANDARD"})
			}
		})
		return items, err
	}
	body, err := v.service.options.Objects.Open(bucket, key)
	if err != nil {
		return nil, err
	}
	defer body.Close()
	items, err := v.ItemReader.ReaderConfig.read(body)
	if limit > 0 && len(items) > limit {
		items = items[:limit]
	}
	return items, err
}

// location evaluates the parameters Bucket, Key and Prefix.
func (v *visit) location(parameters payload, input any) (bucket, key, prefix string, err error) {
	if parameters.expression == nil {
		return "", "", "", errors.New("want Parameters with a Bucket")
	}
	value, err := parameters.eval(v.scope(input), "Parameters")
	if err != nil {
		return "", "", "", err
	}
	object, _ := value.(map[string]any)
	bucket, _ = object["Bucket"].(string)
	key, _ = object["Key"].(string)
	prefix, _ = object["Prefix"].(string)
	return bucket, key, prefix, nil
}

func (c readerConfig) read(body io.Reader) ([]any, error) {
	switch c.InputType {
	case "CSV":
		return c.readCSV(body)
	case "JSONL":
		var items []any
		lines := bufio.NewScanner(body)
		lines.Buffer(nil, 8<<20)
		for lines.Scan() {
			if len(bytes.TrimSpace(lines.Bytes())) == 0 {
				continue
			}
			item, err := jsonvalue.Decode(lines.Bytes())
			if err != nil {
				return nil, err
			}
			items = append(items, item)
		}
		return items, lines.Err()
	}
	text, err := io.ReadAll(body)
	if err != nil {
		return nil, err
	}
	value, err := jsonvalue.Decode(text)
	if err != nil {
		return nil, err
	}
	items, ok := value.([]any)
	if !ok {
		return nil, errors.New("the object is no JSON array")
	}
	return items, nil
}

func (c readerConfig) readCSV(body io.Reader) ([]any, error) {
	rows, err := csv.NewReader(body).ReadAll()
	if err != nil {
		return nil, err
	}
	header := c.CSVHeaders
	if c.CSVHeaderLocation == "FIRST_ROW" && len(rows) > 0 {
		header, rows = rows[0], rows[1:]
	}
	items := make([]any, len(rows))
	for i, row := range rows {
		item := make(map[string]any, len(header))
		for column, name := range header {
			if column < len(row) {
				item[name] = row[column]
			}
		}
		items[i] = item
	}
	return items, nil
}

// An itemBatcher puts several items into one child's input.
type itemBatcher struct {
	MaxItemsPerBatch          int
	MaxItemsPerBatchPath      pathField
	MaxInputBytesPerBatch     int
	MaxInputBytesPerBatchPath pathField
	BatchInput                payload
}

func (b *itemBatcher) UnmarshalJSON(text []byte) error {
	type plain itemBatcher
	return strict(text, (*plain)(b))
}

// childInputs makes the children's inputs of the items, which are selected, then put into batches.
func (v *visit) childInputs(input any, items []any) ([]any, error) {
	selected := make([]any, len(items))
	for i, item := range items {
		var err error
		if selected[i], err = v.selectItem(mapItem{true, i, item}, input); err != nil {
			return nil, err
		}
	}
	if v.ItemBatcher == nil {
		return selected, nil
	}
	maxItems, err := v.count(v.ItemBatcher.MaxItemsPerBatch, v.ItemBatcher.MaxItemsPerBatchPath, "MaxItemsPerBatchPath", input)
	if err != nil {
		return nil, err
	}
	maxBytes, err := v.count(v.ItemBatcher.MaxInputBytesPerBatch, v.ItemBatcher.MaxInputBytesPerBatchPath, "MaxInputBytesPerBatchPath", input)
	if err != nil {
		return nil, err
	}
	shared := map[string]any{}
	if v.ItemBatcher.BatchInput.expression != nil {
		value, err := v.ItemBatcher.BatchInput.eval(v.scope(input), "BatchInput")
		if err != nil {
			return nil, err
		}
		shared["BatchInput"] = value
	}
	return batches(selected, shared, maxItems, maxBytes), nil
}

// batches cuts items by number and by size; a limit of 0 is none but the one of every input.
func batches(items []any, shared map[string]any, maxItems, maxBytes int) []any {
	if maxBytes == 0 || maxBytes > maxData {
		maxBytes = maxData
	}
	var list []any
	var batch []any
	size := 0
	frame := len(encode(shared)) + len(`,"Items":[]`)
	flush := func() {
		object := maps.Clone(shared)
		object["Items"] = batch
		list = append(list, object)
		batch, size = nil, 0
	}
	for _, item := range items {
		n := len(encode(item)) + len(",")
		if len(batch) > 0 && (len(batch) == maxItems || frame+size+n > maxBytes) {
			flush()
		}
		batch, size = append(batch, item), size+n
	}
	if len(batch) > 0 {
		flush()
	}
	return list
}
