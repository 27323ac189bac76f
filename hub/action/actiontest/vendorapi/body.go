package vendorapi

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/url"
	"strconv"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

// body is a kind of body of an operation.
type body struct {
	schema *openapi3.SchemaRef
	// compiled validates bodies by a JSON Schema of version 2020-12, as OpenAPI 3.1 has them. It is
	// nil for OpenAPI 3.0, whose schemas are a language of their own.
	compiled *jsonschema.Schema
}

// compiler compiles each schema once: kin-openapi compiles those of OpenAPI 3.1 for each request.
type compiler struct {
	json *jsonschema.Compiler
}

const documentURL = "https://vendor.example/openapi.json"

func newCompiler(doc *openapi3.T, text []byte) (*compiler, error) {
	if !doc.IsOpenAPI31OrLater() {
		return &compiler{}, nil
	}
	raw, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		return nil, fmt.Errorf("parsing an OpenAPI document: %w", err)
	}
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	if err := c.AddResource(documentURL, raw); err != nil {
		return nil, fmt.Errorf("compiling schemas: %w", err)
	}
	return &compiler{c}, nil
}

func (c *compiler) bodies(path, method string, spec *openapi3.Operation) (map[*openapi3.MediaType]*body, error) {
	bodies := map[*openapi3.MediaType]*body{}
	if spec.RequestBody == nil {
		return bodies, nil
	}
	for name, m := range spec.RequestBody.Value.Content {
		if m.Schema == nil {
			continue
		}
		b := &body{schema: m.Schema}
		if c.json != nil {
			place := "#/paths/" + pointer(path) + "/" + strings.ToLower(method) + "/requestBody"
			if ref := spec.RequestBody.Ref; ref != "" {
				place = ref
			}
			var err error
			if b.compiled, err = c.json.Compile(documentURL + place + "/content/" + pointer(name) + "/schema"); err != nil {
				return nil, fmt.Errorf("compiling the body of %s %s: %w", method, path, err)
			}
		}
		bodies[m] = b
	}
	return bodies, nil
}

// pointer escapes a token of a JSON pointer in a URL's fragment.
func pointer(token string) string {
	return url.PathEscape(strings.NewReplacer("~", "~0", "/", "~1").Replace(token))
}

func (b *body) check(c *collector, r Request) {
	value, err := b.decode(r)
	if errors.Is(err, errOpaque) {
		return
	}
	if err != nil {
		c.add(Invalid, "body", err.Error())
		return
	}
	if b.compiled != nil {
		c.addErrors(b.compiled.Validate(value))
	} else {
		c.addErrors(b.schema.Value.VisitJSON(value, openapi3.VisitAsRequest(), openapi3.MultiErrors()))
	}
	c.members("body", nil, value, b.schema)
}

// errOpaque means that a body has no structure to check, such as the content of a file.
var errOpaque = errors.New("the body is a file")

func (b *body) decode(r Request) (any, error) {
	content, err := uncompressed(r)
	if err != nil {
		return nil, err
	}
	mediaType, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil {
		return nil, fmt.Errorf("parsing the Content-Type: %w", err)
	}
	switch {
	case mediaType == "application/json" || strings.HasSuffix(mediaType, "+json"):
		return decodeJSON(content)
	case mediaType == "application/x-www-form-urlencoded":
		form, err := url.ParseQuery(string(content))
		if err != nil {
			return nil, fmt.Errorf("parsing the form: %w", err)
		}
		return b.decodeForm(form), nil
	case mediaType == "multipart/related":
		return decodeRelated(content, params["boundary"])
	case mediaType == "multipart/form-data" && !b.schema.Value.Type.Is(openapi3.TypeString):
		return b.decodeMultipart(content, params["boundary"])
	}
	return nil, errOpaque
}

func uncompressed(r Request) ([]byte, error) {
	if r.Header.Get("Content-Encoding") != "gzip" {
		return r.Body, nil
	}
	z, err := gzip.NewReader(bytes.NewReader(r.Body))
	if err != nil {
		return nil, fmt.Errorf("decompressing the body: %w", err)
	}
	content, err := io.ReadAll(z)
	if err != nil {
		return nil, fmt.Errorf("decompressing the body: %w", err)
	}
	return content, nil
}

func decodeJSON(content []byte) (any, error) {
	var value any
	if err := json.Unmarshal(content, &value); err != nil {
		return nil, fmt.Errorf("parsing JSON: %w", err)
	}
	return value, nil
}

// decodeForm gives the fields of a form the types of the schema, where their text permits.
func (b *body) decodeForm(form url.Values) map[string]any {
	value := map[string]any{}
	for name, texts := range form {
		types := (&member{schemas: expand([]*openapi3.SchemaRef{b.schema}, nil)}).property(name).types()
		if types["array"] {
			items := make([]any, len(texts))
			for i, text := range texts {
				items[i] = text
			}
			value[name] = items
			continue
		}
		value[name] = scalar(texts[0], types)
	}
	return value
}

func scalar(text string, types map[string]bool) any {
	if types["integer"] || types["number"] {
		if number, err := strconv.ParseFloat(text, 64); err == nil {
			return number
		}
	}
	if types["boolean"] {
		if truth, err := strconv.ParseBool(text); err == nil {
			return truth
		}
	}
	return text
}

// decodeRelated returns the first part of a body of Google's uploads, which is the metadata. The
// other is the file.
func decodeRelated(content []byte, boundary string) (any, error) {
	part, err := multipart.NewReader(bytes.NewReader(content), boundary).NextPart()
	if err != nil {
		return nil, fmt.Errorf("reading the first part: %w", err)
	}
	metadata, err := io.ReadAll(part)
	if err != nil {
		return nil, fmt.Errorf("reading the first part: %w", err)
	}
	return decodeJSON(metadata)
}

// decodeMultipart returns the fields of a form, and the names of files with an empty text. A part
// payload_json is the whole of what is not a file, as Discord has it:
// https://docs.discord.com/developers/reference#uploading-files
func (b *body) decodeMultipart(content []byte, boundary string) (any, error) {
	parts := multipart.NewReader(bytes.NewReader(content), boundary)
	form := url.Values{}
	for {
		part, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			return b.decodeForm(form), nil
		}
		if err != nil {
			return nil, fmt.Errorf("reading a part: %w", err)
		}
		text, err := io.ReadAll(part)
		if err != nil {
			return nil, fmt.Errorf("reading a part: %w", err)
		}
		if part.FormName() == "payload_json" {
			return decodeJSON(text)
		}
		if part.FileName() != "" {
			text = nil
		}
		form.Add(part.FormName(), string(text))
	}
}
