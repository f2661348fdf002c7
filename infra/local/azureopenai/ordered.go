package azureopenai

import (
	"bytes"
	"encoding/json"
)

// object is a JSON object that remembers the order of its keys: models write a document's keys in the
// order of its schema.
type object struct {
	keys   []string
	values map[string]any
}

func (o *object) get(key string) any {
	if o == nil {
		return nil
	}
	return o.values[key]
}

func (o *object) set(key string, value any) {
	if _, ok := o.values[key]; !ok {
		o.keys = append(o.keys, key)
	}
	o.values[key] = value
}

// MarshalJSON keeps the order.
func (o *object) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, k := range o.keys {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(quote(k))
		b.WriteByte(':')
		b.Write(encode(o.values[k]))
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// readOrdered is nil for what is no JSON.
func readOrdered(raw []byte) any {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	v, err := decodeOrdered(d)
	if err != nil {
		return nil
	}
	return v
}

// decodeOrdered reads one value: *object, []any, string, json.Number, bool or nil.
func decodeOrdered(d *json.Decoder) (any, error) {
	token, err := d.Token()
	if err != nil {
		return nil, err
	}
	delim, ok := token.(json.Delim)
	if !ok {
		return token, nil
	}
	if delim == '[' {
		list := []any{}
		for d.More() {
			v, err := decodeOrdered(d)
			if err != nil {
				return nil, err
			}
			list = append(list, v)
		}
		_, err = d.Token()
		return list, err
	}
	o := &object{values: make(map[string]any)}
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return nil, err
		}
		v, err := decodeOrdered(d)
		if err != nil {
			return nil, err
		}
		o.set(key.(string), v)
	}
	_, err = d.Token()
	return o, err
}
