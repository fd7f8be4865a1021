package cli

import (
	"flag"
	"strconv"

	"github.com/ferry-move/ferry/transfer"
)

// limit is the value of --limit, in bytes a second; 0 = none.
type limit int64

func limitFlag(fs *flag.FlagSet) *limit {
	l := new(limit)
	fs.Var(l, "limit", "")
	return l
}

// errLimit means that a limit is below transfer.LimitMin.
const errLimit sizeError = "10K is the least."

// String implements flag.Value.
func (l *limit) String() string { return strconv.FormatInt(int64(*l), 10) }

// Set implements flag.Value.
func (l *limit) Set(s string) error {
	n, err := parseSize(s)
	if (err == nil || s == "0") && n < transfer.LimitMin {
		err = errLimit
	}
	if err != nil {
		return err
	}
	*l = limit(n)
	return nil
}

// get returns the limit as a session asks for it.
func (l *limit) get() func() int64 {
	if *l == 0 {
		return nil
	}
	return func() int64 { return int64(*l) }
}
