package stepfunctions

import (
	"context"
	"encoding/json"
	"time"
)

// chooseNext returns the state that the first rule which holds leads to.
func (v *visit) chooseNext(input any) (string, error) {
	s := v.scope(input)
	for _, r := range v.Choices {
		holds, err := r.test(s)
		if err != nil {
			return "", err
		}
		if holds {
			return r.next, nil
		}
	}
	if v.Default == "" {
		return "", failf(errNoChoice, "Choice state '%s' failed to match any of its choices", v.name)
	}
	return v.Default, nil
}

// waitState waits as long, or until, the state says.
func (v *visit) waitState(ctx context.Context, input any) error {
	now := v.service.options.Clock.Now()
	var until time.Time
	switch {
	case v.Seconds != nil:
		until = now.Add(time.Duration(*v.Seconds) * time.Second)
	case v.SecondsPath.set():
		value, err := v.SecondsPath.eval(v.scope(input), "SecondsPath")
		if err != nil {
			return err
		}
		seconds, ok := toInt(value)
		if !ok || seconds < 0 {
			return failf(errRuntime, "The SecondsPath parameter does not reference a valid value: %s", encode(value))
		}
		until = now.Add(time.Duration(seconds) * time.Second)
	case v.TimestampPath.set():
		value, err := v.TimestampPath.eval(v.scope(input), "TimestampPath")
		if err != nil {
			return err
		}
		at, ok := timestamp(value)
		if !ok {
			return failf(errRuntime, "The TimestampPath parameter does not reference a valid ISO-8601 extended offset date-time format string: %s", encode(value))
		}
		until = at
	default:
		until, _ = timestamp(v.Timestamp)
	}
	return v.service.sleepScaled(ctx, until.Sub(now))
}

// failState is the failure that the state stands for.
func (v *visit) failState(input any) error {
	failure := &Failure{v.Error, v.Cause}
	for _, from := range []struct {
		path   pathField
		name   string
		target *string
	}{{v.ErrorPath, "ErrorPath", &failure.Name}, {v.CausePath, "CausePath", &failure.Cause}} {
		if !from.path.set() {
			continue
		}
		value, err := from.path.eval(v.scope(input), from.name)
		if err != nil {
			return err
		}
		text, ok := value.(string)
		if !ok {
			return failf(errRuntime, "%s leads to %s, which is no string", from.name, encode(value))
		}
		*from.target = text
	}
	return failure
}

// count reads a field that is a number, or a path to one.
func (v *visit) count(static int, dynamic pathField, field string, input any) (int, error) {
	if !dynamic.set() {
		return static, nil
	}
	value, err := dynamic.eval(v.scope(input), field)
	if err != nil {
		return 0, err
	}
	n, ok := value.(json.Number)
	whole, err := n.Int64()
	if !ok || err != nil || whole < 0 {
		return 0, failf(errRuntime, "%s leads to %s, which is no integer", field, encode(value))
	}
	return int(whole), nil
}
