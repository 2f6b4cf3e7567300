"""The matrix of a policy, for people: which kind of account has which feature; as a workbook, and compared with one."""
