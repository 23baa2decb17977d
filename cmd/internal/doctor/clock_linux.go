package doctor

import "syscall"

const timeError = 5 // TIME_ERROR of adjtimex(2): the clock is not synchronised

// synchronised tells whether somebody keeps the clock of the system right.
func synchronised() bool {
	state, err := syscall.Adjtimex(&syscall.Timex{})
	return err != nil || state != timeError
}
