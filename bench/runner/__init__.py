"""Measures the server beside other people's: cells, servers, measuring, report, chart."""
