"""The words of the house as frozen types: no I/O, no clock, nothing imported from other rooms."""
