package action

import (
	"encoding"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"time"
)

// Decode reads a request's settings and form values into a struct whose fields are tagged
// `param:"name"` or `form:"name"`, with ",required" if an empty value is an error.
//
// Field types: string, [Secret], bool (yes, no, true, false), int, [time.Duration],
// []string (separated by commas) and anything with UnmarshalText, which is how enumerations
// and host names validate themselves. A method "Validate() error" on *T is called last.
//
// Its error is an [*Error] of kind Invalid that contains all invalid fields.
func Decode[T any](req *Request) (T, error) {
	var in T
	err := decode(req, &in)
	return in, err
}

// decode is not generic, since the compiler would repeat it for each struct. in is a pointer to one.
func decode(req *Request, in any) error {
	v := reflect.ValueOf(in).Elem()
	bad := map[string]string{}
	var messages []string
	for i := range v.NumField() {
		field := v.Type().Field(i)
		name, source, required := fieldTag(req, field)
		if name == "" {
			continue
		}
		text := strings.TrimSpace(source[name])
		var err error
		switch {
		case text == "" && required:
			err = fmt.Errorf("%q is required", name)
		case text != "":
			if field.Type == reflect.TypeFor[Secret]() || field.Type.Kind() == reflect.String && !canUnmarshal(v.Field(i)) {
				text = source[name] // spaces can be part of a password or a message
			}
			if err = setField(v.Field(i), text); err != nil {
				err = fmt.Errorf("%q %w", name, err)
			}
		}
		if err != nil {
			message := err.Error() + "."
			messages = append(messages, message)
			if field.Tag.Get("form") != "" {
				bad[name] = message
			}
		}
	}
	if len(messages) > 0 {
		return &Error{Kind: Invalid, Message: strings.Join(messages, " "), Fields: bad}
	}
	if val, ok := in.(interface{ Validate() error }); ok {
		return val.Validate()
	}
	return nil
}

func fieldTag(req *Request, field reflect.StructField) (name string, source map[string]string, required bool) {
	tag, source := field.Tag.Get("param"), req.Params
	if tag == "" {
		tag, source = field.Tag.Get("form"), req.Form
	}
	name, options, _ := strings.Cut(tag, ",")
	return name, source, options == "required"
}

func canUnmarshal(v reflect.Value) bool {
	_, ok := reflect.TypeAssert[encoding.TextUnmarshaler](v.Addr())
	return ok
}

func setField(v reflect.Value, text string) error {
	if u, ok := reflect.TypeAssert[encoding.TextUnmarshaler](v.Addr()); ok {
		return u.UnmarshalText([]byte(text))
	}
	switch p := v.Addr().Interface().(type) {
	case *time.Duration:
		d, err := time.ParseDuration(text)
		if err != nil {
			return fmt.Errorf("must be a duration such as 30s")
		}
		*p = d
		return nil
	case *[]string:
		for part := range strings.SplitSeq(text, ",") {
			if part = strings.TrimSpace(part); part != "" {
				*p = append(*p, part)
			}
		}
		return nil
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(text)
	case reflect.Bool:
		switch strings.ToLower(text) {
		case "yes", "true":
			v.SetBool(true)
		case "no", "false":
		default:
			return fmt.Errorf("must be yes or no")
		}
	case reflect.Int:
		n, err := strconv.Atoi(text)
		if err != nil {
			return fmt.Errorf("must be a whole number")
		}
		v.SetInt(int64(n))
	default:
		panic(fmt.Sprintf("action.Decode: fields of type %s are not supported", v.Type()))
	}
	return nil
}
