# For those who type make: every name is a command of ./dev.
COMMANDS = demo test vm rpm check soak bench docs clean

.PHONY: $(COMMANDS)
$(COMMANDS):
	@./dev $@
