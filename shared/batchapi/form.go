package batchapi

import (
	"io"
	"mime"
	"mime/multipart"
	"strconv"

	"aoai-bridge/shared/openaiapi"
	"aoai-bridge/shared/openaierr"
)

// form is a multipart/form-data body. The gateway has held it whole before us, so that it is small
// enough for memory.
type form struct {
	values map[string]string
	files  map[string]formFile
}

type formFile struct {
	name    string
	content []byte
}

func readForm(r *openaiapi.Request) (*form, error) {
	content := r.Header.Get("Content-Type")
	kind, parameters, err := mime.ParseMediaType(content)
	if err != nil || kind != "multipart/form-data" || parameters["boundary"] == "" {
		return nil, openaiapi.UnsupportedType(content, "multipart/form-data with its boundary")
	}
	f := &form{values: map[string]string{}, files: map[string]formFile{}}
	for parts := multipart.NewReader(r.Body, parameters["boundary"]); ; {
		part, err := parts.NextRawPart()
		if err == io.EOF {
			return f, nil
		}
		var content []byte
		if err == nil {
			content, err = io.ReadAll(part)
		}
		if err != nil {
			return nil, openaierr.Invalid("", "invalid_body", "The request body is no complete multipart/form-data: %v.", err)
		}
		if part.FileName() != "" {
			f.files[part.FormName()] = formFile{part.FileName(), content}
		} else {
			f.values[part.FormName()] = string(content)
		}
	}
}

func (f *form) value(name string) string { return f.values[name] }

// file returns a file that has to be there and to have content.
func (f *form) file(param string) (content []byte, name string, err error) {
	given, ok := f.files[param]
	if !ok {
		if _, ok := f.values[param]; ok {
			return nil, "", openaierr.Invalid(param, "missing_filename", "'%s' has no file name. Send it as a file, not as a text.", param)
		}
		return nil, "", openaiapi.Missing(param, "")
	}
	if len(given.content) == 0 {
		return nil, "", openaierr.Invalid(param, "empty_file", "'%s' is empty. Send a file with at least one request.", param)
	}
	name, err = fileName(given.name)
	return given.content, name, err
}

// expiry reads expires_after as forms have it: expires_after[anchor] and expires_after[seconds].
func (f *form) expiry() (seconds int64, err error) {
	const name = "expires_after"
	anchor, hasAnchor := f.values[name+"[anchor]"]
	value, hasSeconds := f.values[name+"[seconds]"]
	if !hasAnchor && !hasSeconds {
		return 0, nil
	}
	n, err := strconv.ParseInt(value, 10, 64)
	if err != nil {
		return 0, openaierr.Invalid(name+".seconds", "invalid_type", "Invalid type for '%s.seconds': expected a number.", name)
	}
	return (&expiry{anchor, n}).check(name)
}
