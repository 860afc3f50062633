# For those who type make: every name is a command of ./dev.
COMMANDS = demo test rpm check bench clean

.PHONY: $(COMMANDS)
$(COMMANDS):
	@./dev $@
